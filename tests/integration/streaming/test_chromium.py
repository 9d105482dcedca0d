import pytest
from playwright.async_api import Browser

from tests.support import chromium


@pytest.mark.browser
async def test_chromium_plays_what_the_ladder_makes(browser: Browser) -> None:
    page = await browser.new_page()
    supported = await page.evaluate(
        """() => ['avc1.64001e', 'av01.0.05M.08', 'mp4a.40.2', 'opus'].filter(codecs =>
            MediaSource.isTypeSupported(`video/mp4; codecs="${codecs}"`))"""
    )
    assert supported == ["avc1.64001e", "av01.0.05M.08", "mp4a.40.2", "opus"]


def test_a_missing_chromium_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="install Debian's package chromium"):
        chromium.find_chromium()
