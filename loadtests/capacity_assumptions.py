"""What the capacity model takes for granted, each as a named figure with its reason. Pure.

The report prints all of them. Where the model reads a figure, who knows better changes it here; the
others (a whole 1 or 0) say in words what the model is built on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assumption:
    """A figure that was not measured, and why it is taken to be so."""

    name: str
    value: float
    unit: str
    zh: str
    text: str


FILL = Assumption(
    "fill", 0.8, "of a core",
    "一个核心只用到八成：余下的留给抖动、垃圾回收和录制",
    "a core is used up to four fifths; the rest is for jitter, garbage collection and recording",
)  # fmt: skip
LINEAR = Assumption(
    "linear", 1.0, "exponent",
    "一个观众的开销与观众总数无关（在 fill 以内）",
    "a viewer costs the same however many there are, below `fill`",
)  # fmt: skip
SAME_CORES = Assumption(
    "same cores", 1.0, "×",
    "全市的服务器核心与被测机器的一样快",
    "the city's cores are as fast as those of the machine that was measured",
)  # fmt: skip
NO_TLS = Assumption(
    "front", 0.0, "cores",
    "HTTPS 由前面的代理解开，它的核心不算在内；本机回环网络的开销与网卡相当",
    "HTTPS ends at a front whose cores are not counted; loopback costs what a network card does",
)  # fmt: skip
ONE_LOOP = Assumption(
    "one loop", 1.0, "core a process",
    "一个源站进程用一个核心收发（事件循环）；更多观众由更多进程分担，每个进程从上一级取一份流",
    "a process packs and sends on one core (its event loop); more viewers are shared by more "
    "processes, and each of them takes every stream that it gives on like one viewer more",
)  # fmt: skip
NO_BOX = Assumption(
    "no box", 0.0, "school boxes",
    "学校里没有校园盒子：每间教室各取一份流。有盒子时，一所学校只取一份",
    "no school has a box: every classroom takes a stream of its own. With boxes a school takes one",
)  # fmt: skip
ROOMS_OF_A_PAIR = Assumption(
    "rooms of a pair", 2.0, "viewers",
    "每对课堂有一间主讲、一间听讲，两边都看这节课",
    "a pair has one main and one listening classroom, and both are shown the lesson",
)  # fmt: skip
PAIRS_ENCODED = Assumption(
    "pairs that are encoded", 1.0, "of all pairs",
    "结对课堂的画面都转出较低的清晰度（最坏情形）；摄像机自己能给出两路时可以只复制",
    "lower rungs are made of every pair's picture (the worst case); where none is wanted, "
    "the picture is copied",
)  # fmt: skip
LIVE_BPS = Assumption(
    "live rate", 2_128_000.0, "bit/s",
    "直播每路 2 Mbit/s 画面加 128 kbit/s 声音，人人看最高清晰度",
    "a live viewer takes 2 Mbit/s of picture and 128 kbit/s of sound: all see the highest rung",
)  # fmt: skip
RECORDED_BPS = Assumption(
    "recorded rate", 1_500_000.0, "bit/s",
    "晚上在家看回放平均 1.5 Mbit/s（手机多看 720p 以下）",
    "an evening viewer of a recording takes 1.5 Mbit/s on average (phones, mostly below 720p)",
)  # fmt: skip
RECORDED_BY_BYTES = Assumption(
    "recorded by bytes", 1.0, "exponent",
    "看回放的一户在这台机器上实测（录像约 2.1 Mbit/s），再按字节折算；码率低时请求并不减少，"
    "每兆字节其实略贵；内存按 LL-HLS 观众的算",
    "a home on a recording was measured (at some 2.1 Mbit/s) and goes by its bytes; at a lower "
    "rate its requests are as many, so that a megabyte really costs somewhat more; its memory is "
    "taken for that of a viewer by LL-HLS",
)  # fmt: skip
PAIRS_AS_PLAYED = Assumption(
    "pairs as played", 1.0, "×",
    "一对课堂（课、两间教室、它们的课堂互动室和数据库）按同时上课时实测的算；转码多出的部分按单独"
    "一节转码课的算，教室加入的开销按 WebSocket 观众的算",
    "a pair (its lesson, both classrooms, their room and the database) costs what it did when many "
    "were played at once; what encoding adds is that of one lesson alone, and a classroom's join "
    "costs what that of a viewer by WebSocket does",
)  # fmt: skip
STORM_S = Assumption(
    "storm", 5.0, "s",
    "八点整，1400 间教室在 5 秒内一起进来",
    "at eight o'clock all classrooms join within five seconds",
)  # fmt: skip
EVENING_JOIN_S = Assumption(
    "evening joins", 600.0, "s",
    "晚上的观众在十分钟内陆续进来",
    "the viewers of an evening come in within ten minutes",
)  # fmt: skip
PAIRS_JOIN_S = Assumption(
    "pairs' joins", 60.0, "s",
    "结对课堂在上课前一分钟内进来",
    "the classrooms of pairs come in within the minute before the lesson",
)  # fmt: skip
FIRST_LESSON = Assumption(
    "first lesson", 1.0, "×",
    "每节课占的内存按服务启动后的第一节课算（包括第一次才装入的代码），所以这是上限",
    "every lesson takes the memory that the first one after a start did, code that is loaded only "
    "then included: an upper bound",
)  # fmt: skip
ONE_MACHINE = Assumption(
    "one machine", 16.0, "cores",
    "说“先满的是什么”时，以 16 核、64 GB 内存、10 Gbit/s 出口的机器为准",
    "what saturates first is said of machines with 16 cores, 64 GB and 10 Gbit/s out",
)  # fmt: skip
FLUID = Assumption(
    "fluid", 0.0, "bursts",
    "观众均匀地来、均匀地被服务；LL-HLS 的观众其实每个切片一起醒来，机器满时排队比模型说的久："
    "报告里模型与实测并列",
    "who comes is served evenly; viewers by LL-HLS really wake together with each part, and on a "
    "full machine they queue longer than the model says: the report sets it beside what was "
    "measured",
)  # fmt: skip
ASSUMPTIONS = (
    FILL, LINEAR, SAME_CORES, NO_TLS, ONE_LOOP, NO_BOX, ROOMS_OF_A_PAIR, PAIRS_ENCODED, LIVE_BPS,
    RECORDED_BPS, RECORDED_BY_BYTES, PAIRS_AS_PLAYED, FIRST_LESSON, ONE_MACHINE, STORM_S,
    EVENING_JOIN_S, PAIRS_JOIN_S, FLUID,
)  # fmt: skip
