from hypothesis import given
from hypothesis import strategies as st

from streaming.hot.head import Head, Refused
from streaming.hot.inbox import Inbox

ONE = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
TWO = b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


def test_heads_and_bodies_come_out_as_they_went_in() -> None:
    inbox = Inbox()
    inbox.add(ONE + b"\r\n" + TWO + b"body" + ONE)
    first = inbox.read()
    assert isinstance(first, Head)
    assert (first.target, inbox.head()) == ("/1", ONE)
    second = inbox.read()
    assert isinstance(second, Head)
    assert (second.target, inbox.head()) == ("/2", TWO)
    assert inbox.take(4) == b"body"
    inbox.pack()
    assert len(inbox) == len(ONE)
    assert inbox.take(1000) == ONE
    assert (len(inbox), inbox.take(1)) == (0, b"")


def test_what_is_no_request_stays_where_it_is() -> None:
    inbox = Inbox()
    inbox.add(b"GET / HTTP/1.1\r\nHo")
    assert inbox.read() is None
    inbox.add(b" st: a\r\n\r\n")
    assert isinstance(inbox.read(), Refused)
    inbox.clear()
    assert (len(inbox), inbox.read()) == (0, None)


@given(st.lists(st.integers(1, 40), max_size=30))
def test_however_the_bytes_are_cut(sizes: list[int]) -> None:
    inbox, seen, data = Inbox(), [], (ONE + TWO + b"body") * 3
    for size in [*sizes, len(data)]:
        inbox.add(data[:size])
        data = data[size:]
        while isinstance(found := inbox.read(), Head):
            seen.append(found.target)
            while found.fields.body_bytes and len(inbox) < 4:
                inbox.add(data[:1])
                data = data[1:]
            inbox.take(found.fields.body_bytes)
        inbox.pack()
    assert seen == ["/1", "/2"] * 3
