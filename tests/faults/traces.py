"""What a browser still holds: everything its pages can reach, and every file of its profile. Words are looked for as they
are, in UTF-8 and in UTF-16. Long random ones survive the compression that the browser's databases use."""

from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex

from playwright.sync_api import Error, Page

REACHED = """async () => {
  const text = (bytes) => new TextDecoder("latin1").decode(bytes);
  const flat = async (value) => {
    if (value instanceof CryptoKey) return `key ${value.extractable}`;
    if (value instanceof ArrayBuffer) return text(new Uint8Array(value));
    if (ArrayBuffer.isView(value)) return text(new Uint8Array(value.buffer));
    if (value instanceof Blob) return text(new Uint8Array(await value.arrayBuffer()));
    if (value === null || typeof value !== "object") return String(value);
    const told = [];
    for (const [name, one] of Object.entries(value)) told.push(name, await flat(one));
    return told.join("\\n");
  };
  const done = (asked) => new Promise((yes, no) => { asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  const found = {};
  for (const { name } of await indexedDB.databases()) {
    const open = await done(indexedDB.open(name));
    for (const store of open.objectStoreNames) {
      const held = open.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([done(held.getAllKeys()), done(held.getAll())]);
      found[`indexedDB ${store}`] = (await flat(keys)) + (await flat(values));
    }
    open.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      found[`cache ${name} ${request.url}`] = text(new Uint8Array(await (await cache.match(request)).arrayBuffer()));
    }
  }
  Object.assign(found, { localStorage: JSON.stringify(localStorage), sessionStorage: JSON.stringify(sessionStorage), cookie: document.cookie });
  return found;
}"""
"""Every store that a page can reach, with what it holds."""

SHOWN = """() => [document.documentElement.outerHTML, ...[...document.querySelectorAll("input, textarea, select")].map((one) => one.value)].join("\\n")"""
"""What a page shows, with what stands in its fields."""


def canary() -> str:
    """A word that is nowhere else, and that doesn't compress."""
    return f"w{token_hex(20)}w"


def forms(word: str | bytes) -> tuple[bytes, ...]:
    """How a word may lie on a disk."""
    if isinstance(word, bytes):
        return (word, word.hex().encode())
    return (word.encode(), word.encode("utf-16-le"))


def reached(page: Page) -> dict[str, str]:
    told: dict[str, str] = page.evaluate(REACHED)
    return told


def within_reach(page: Page, words: Iterable[str]) -> list[tuple[str, str]]:
    """Where a page can reach one of the words: the place, and the word."""
    held = reached(page)
    return [(place, word) for place, text in held.items() for word in words if word in text]


def on_screen(page: Page, words: Iterable[str]) -> list[str]:
    try:
        told = page.evaluate(SHOWN)
    except Error:  # it went on in that moment
        return []
    return [word for word in words if word in told]


def on_disk(profile: Path, words: Iterable[str | bytes]) -> list[tuple[str, str]]:
    """Which files of a profile hold one of the words: the file, and the word. The browser has to be closed."""
    found = []
    wanted = [(word if isinstance(word, str) else word.hex(), forms(word)) for word in words]
    for path in sorted(profile.rglob("*")):
        if not path.is_file():
            continue
        held = path.read_bytes()
        for word, every in wanted:
            if any(one in held for one in every):
                found.append((str(path.relative_to(profile)), word))
    return found
