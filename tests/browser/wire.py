"""What a page costs on the way to a phone: each request with its bytes as they came over the wire, headers and all."""

from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page


@dataclass(frozen=True)
class Fetched:
    """One request that was answered over the wire; one from the browser's own cache is none."""

    path: str
    size: int
    ended_s: float

    @property
    def is_script(self) -> bool:
        return self.path.endswith(".js")


class Wire:
    """Listens from when it is made; `fetched()` tells and begins anew."""

    def __init__(self, page: Page, origin: str) -> None:
        self.tools: CDPSession = page.context.new_cdp_session(page)
        self._origin = origin
        self._paths: dict[str, str] = {}
        self._kept: set[str] = set()
        self._ended: list[tuple[str, int, float]] = []
        self.tools.on("Network.requestWillBeSent", self._begin)
        self.tools.on("Network.requestServedFromCache", lambda said: self._kept.add(said["requestId"]))
        self.tools.on("Network.responseReceived", self._answered)
        self.tools.on(
            "Network.loadingFinished",
            lambda said: self._ended.append(
                (said["requestId"], int(said["encodedDataLength"]), said["timestamp"])
            ),
        )
        self.tools.send("Network.enable")

    def _begin(self, said: dict) -> None:  # type: ignore[type-arg] # as the browser words it
        self._paths[said["requestId"]] = said["request"]["url"].removeprefix(self._origin)

    def _answered(self, said: dict) -> None:  # type: ignore[type-arg]
        if said["response"].get("fromDiskCache") or said["response"].get("fromPrefetchCache"):
            self._kept.add(said["requestId"])

    def fetched(self) -> list[Fetched]:
        told = [
            Fetched(self._paths[asked], size, ended)
            for asked, size, ended in self._ended
            if asked not in self._kept and self._paths.get(asked, "data:")[:5] != "data:"
        ]
        self._ended.clear()
        return told
