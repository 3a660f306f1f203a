// What is kept on this phone, sealed: entries that wait, those sent in the last two days, drafts, and what a form needs to
// know. The key can't be read out of the browser, and goes when its owner signs out. docs/sync.md says what is sent.

const stores = { keys: "owner", operations: "order", tail: "id", drafts: "id", things: "id" };
const day = 86400000;
const batch = 10;
const most = 200000;
const patience = 4000;
const pauses = [5, 15, 60, 300];
const page = document.documentElement.dataset;
const came = Date.now() - performance.now(); // when this page did
const watching = new Set();
const shared = "BroadcastChannel" in self ? new BroadcastChannel("journal") : null;
let opening;
let key;
let me;

export class Full extends Error {}
export class Locked extends Error {}

function open() {
  opening ??= new Promise((done, fail) => {
    const asked = indexedDB.open("journal", 1);
    const late = setTimeout(() => fail(new Error("blocked")), patience);
    asked.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(stores)) {
        const store = asked.result.createObjectStore(name, { keyPath, autoIncrement: name === "operations" });
        if (name === "operations") store.createIndex("id", "id", { unique: true });
      }
    };
    asked.onsuccess = () => {
      clearTimeout(late);
      asked.result.onclose = () => (opening = undefined);
      asked.result.onversionchange = () => {
        asked.result.close(); // another tab brings a newer shape: never hold it up
        opening = undefined;
      };
      done(asked.result);
    };
    asked.onerror = () => fail(asked.error);
  }).catch((error) => {
    // An old tab that never lets go: whoever asks next isn't made to wait for it once more.
    setTimeout(() => (opening = undefined), error.message === "blocked" ? patience : 0);
    throw error;
  });
  return opening;
}

const answer = (request) => new Promise((done, fail) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => fail(request.error);
});

async function read(name, work) {
  return answer(work((await open()).transaction(name).objectStore(name)));
}

const all = (name) => read(name, (store) => store.getAll());
const one = (name, id) => read(name, (store) => store.get(id));

// Ends well only when the browser says that it is on the disk.
async function change(names, work) {
  const unit = (await open()).transaction(names, "readwrite", { durability: "strict" });
  const ended = new Promise((done, fail) => {
    unit.oncomplete = done;
    unit.onabort = () => fail(unit.error?.name === "QuotaExceededError" ? new Full() : (unit.error ?? new Error("undone")));
  });
  work((name) => unit.objectStore(name));
  await ended;
  shared?.postMessage("changed"); // to other tabs; nobody hears themselves
  watching.forEach((work) => work());
}

const plain = new TextEncoder();
const bytes = (hex) => Uint8Array.from(hex.match(/../g), (two) => parseInt(two, 16));
const seal = async (id, what, by = key) => {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const lock = { name: "AES-GCM", iv, additionalData: plain.encode(`${me}|${id}`) };
  return { iv, sealed: await crypto.subtle.encrypt(lock, by, plain.encode(JSON.stringify(what))) };
};
const unseal = async ({ iv, sealed }, id) => {
  const lock = { name: "AES-GCM", iv, additionalData: plain.encode(`${me}|${id}`) };
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(lock, key, sealed)));
};

// Who writes here. A page from the server says so; a page that the phone keeps asks each time who signed in last. A page
// on which nobody is signed in speaks for the moment at which it came: somebody may have signed in beside it since.
export async function owner() {
  if (!crypto.subtle) return null;
  if (page.owner === "") {
    await lock(came);
    return null;
  }
  const who = page.owner ?? (await one("things", "here"))?.owner ?? null;
  if (who !== me) [me, key] = [who, undefined];
  if (me && !key) key = await findKey().catch(() => undefined);
  return me;
}

// The key lies wrapped in a file of its own, so that it can be taken away: what a browser's database deletes stays in its
// log for a while. The wrapping key can't be read out, and opens nothing by itself.
const wrapping = "AES-KW";
const uses = ["encrypt", "decrypt"];
const alone = (work) => navigator.locks.request("journal-key", work); // the key comes and goes in several steps
const unwrap = (wrapped, wrapper) => crypto.subtle.unwrapKey("raw", wrapped, wrapper, wrapping, "AES-GCM", false, uses);

async function findKey() {
  const wrapper = (await one("keys", me))?.wrapper;
  const wrapped = wrapper && (await caches.match(`/key/${me}`));
  return wrapped ? unwrap(await wrapped.arrayBuffer(), wrapper) : undefined;
}

// The key, who has it, and what forms need to know, in one: a page may go at any moment. `at` is when they were asked for.
async function keepKey(raw, told, at) {
  const plainKey = await crypto.subtle.importKey("raw", raw, "AES-GCM", true, uses);
  const wrapper = (await one("keys", me))?.wrapper ?? (await crypto.subtle.generateKey({ name: wrapping, length: 256 }, false, ["wrapKey", "unwrapKey"]));
  const wrapped = await crypto.subtle.wrapKey("raw", plainKey, wrapper, wrapping);
  const unwrapped = await unwrap(wrapped, wrapper);
  const kit = { id: `kit:${me}`, owner: me, ...(await seal(`kit:${me}`, told, unwrapped)) };
  const others = (await all("keys")).filter((held) => held.owner !== me);
  const wraps = await caches.open("key");
  await wraps.put(`/key/${me}`, new Response(wrapped));
  for (const held of others) await wraps.delete(`/key/${held.owner}`);
  await change(["keys", "things"], (store) => {
    for (const held of others) store("keys").delete(held.owner);
    store("keys").put({ owner: me, wrapper });
    store("things").put(kit);
    store("things").put({ id: "here", owner: me, at });
  });
  key = unwrapped;
}

// The key, and what forms need to know. Asks the server where the phone has neither, or they may be old.
export function prepare() {
  preparing ??= freshen().finally(() => (preparing = undefined));
  return preparing;
}

let preparing;
async function freshen() {
  if (!(await owner())) throw new Locked();
  const here = await one("things", "here");
  const isOld = !here || here.owner !== me || Date.now() - here.at > 600000 || Date.now() < here.at;
  // The page itself knows whether the app lock is on, since the last tap.
  const isOtherwise = page.owner && key && Boolean((await kit().catch(() => null))?.locks) !== "lock" in page;
  if (key && !isOld && !isOtherwise) return;
  const at = Date.now();
  try {
    const told = await ask("/sync/kit.json");
    if (told.owner !== me) throw new Locked();
    const { key: raw, ...known } = told;
    await alone(() => keepKey(bytes(raw), known, at));
    keepHelp(told.country, me);
  } catch (error) {
    if (!key) throw error;
  }
}

export async function kit() {
  const held = (await owner()) && key && (await one("things", `kit:${me}`));
  return held ? unseal(held, held.id) : null;
}

async function keepHelp(country, who) {
  if (!country) return;
  const told = await fetch(`/help-now?offline=1&country=${country}`, { credentials: "omit" }).catch(() => null);
  if (!told?.ok) return;
  await alone(async () => {
    if ((await one("things", "here"))?.owner === who) await (await caches.open("help")).put("/help-now?offline=1", told);
  });
}

async function ask(address, options) {
  const headers = { Accept: "application/json", ...options?.headers };
  const told = await fetch(address, { redirect: "error", cache: "no-store", signal: AbortSignal.timeout(20000), ...options, headers });
  if (told.status !== 200 || !told.headers.get("Content-Type")?.startsWith("application/json")) {
    if (told.status === 401 && address.startsWith("/sync/kit")) throw new Locked();
    throw Object.assign(new Error("no answer"), { status: told.status, wait: Number(told.headers.get("Retry-After")) || 0 });
  }
  return told.json();
}

// Keep an entry. It is on this phone when this ends well, and not before. `instead` is an entry that needed attention,
// which this one mends; `operation.after` one that may have been sent already, or refused meanwhile.
export async function keep(operation, { instead, draft } = {}) {
  if (!(await owner())) throw new Locked();
  if (!key) await prepare(); // else it need not wait for any server
  const id = operation.id;
  const kept = { id, owner: me, state: "waiting", ...(await seal(id, { ...operation, owner: me })) };
  await change(["operations", "drafts"], (store) => {
    const drop = ({ target: { result: held } }) => {
      if (held?.owner === kept.owner && held.state === "attention") store("operations").delete(held.order);
    };
    if (instead !== undefined) store("operations").get(instead).onsuccess = drop;
    if (operation.after) store("operations").index("id").get(operation.after).onsuccess = drop;
    store("drafts").delete(`${me}:${draft}`);
    store("operations").add(kept);
  });
  try {
    localStorage.setItem("waits", "yes"); // so that the next page says so at once
  } catch {
    // It says so a moment later then.
  }
  navigator.storage?.persist?.().catch(() => false);
}

// Where the phone can't keep it: straight to the server. Gives its answer. Throws where there is none.
export async function sendUnkept(operation) {
  if (!(await owner())) throw new Locked();
  const { answers } = await post(me, [{ ...operation, owner: me }], operation.id, {});
  const said = answers.find((a) => a?.id === operation.id);
  if (!said || said.status === "retry") throw new Error("no answer");
  return said;
}

async function post(who, operations, shown, known) {
  const body = JSON.stringify({ version: 1, owner: who, sent_at: new Date().toISOString(), shown, ...known, operations });
  const told = await ask("/sync", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  if (told.version !== 1 || told.owner !== who || !Array.isArray(told.answers)) throw new Error("foreign");
  return told;
}

// Every entry of this account on this phone: [{order, state, operation, reasons}], oldest first.
export async function list() {
  if (!(await owner()) || !key) return [];
  const found = [];
  for (const { order, id, state, ...box } of await mine("operations")) {
    const held = await unseal(box, id).catch(() => null); // one that can't be opened holds up no other
    if (!held) continue;
    const { reasons, ...operation } = held;
    found.push({ order, state, operation, reasons });
  }
  return found;
}

const mine = async (name) => (await all(name)).filter((held) => held.owner === me);

export async function sent() {
  if (!(await owner()) || !key) return [];
  const found = (await mine("tail")).map(async (held) => ({ ...held, operation: await unseal(held, held.id).catch(() => null) }));
  return (await Promise.all(found)).filter((held) => held.operation);
}

export async function settle(id) {
  const held = await one("tail", id);
  if (held) await change(["tail"], (store) => store("tail").put({ ...held, page: undefined }));
}

export async function discard(orders) {
  await change(["operations"], (store) => orders.forEach((order) => store("operations").delete(order)));
}

// How many wait here: {waiting, attention, conflicts, others}; `others` belong to another account, or are locked.
export async function count() {
  await owner();
  const told = { waiting: 0, attention: 0, conflicts: 0, others: 0 };
  for (const held of await all("operations")) told[held.owner === me && key ? held.state : "others"] += 1;
  if (key) for (const held of await all("tail")) if (held.owner === me && held.page) told.conflicts += 1;
  return told;
}

let failures = 0;
let pause = 0;
let waitUntil = 0;
let next;

// Send what waits, in order, one tab at a time. Gives what was answered by id, and why it stopped: "", "signed-out",
// "offline" or "refused".
export async function send(shown = null) {
  const answers = new Map();
  let why = "";
  if (!(await owner()) || !key) return { answers, why: "signed-out" };
  if (shown === null && Date.now() < waitUntil) return { answers, why: "offline" };
  clearTimeout(next);
  await navigator.locks.request("journal-sync", async () => {
    why = await sendAll(shown, answers);
  });
  failures = why === "offline" ? failures + 1 : 0;
  const usual = pauses[Math.min(failures, pauses.length) - 1] * (0.8 + Math.random() * 0.4);
  if (why === "offline") next = setTimeout(send, Math.max(pause, usual) * 1000);
  return { answers, why };
}

async function sendAll(shown, answers) {
  const tried = new Set();
  const who = me; // it may change on a page that the phone keeps
  for (let size = batch; ; ) {
    const waiting = (await mine("operations")).filter((held) => held.state === "waiting" && !tried.has(held.order));
    if (!waiting.length) return tried.size ? "refused" : "";
    const held = [];
    const operations = [];
    let weight = 0;
    for (const box of waiting.slice(0, size)) {
      const operation = await unseal(box, box.id).catch(() => null);
      if (!operation) {
        tried.add(box.order);
        continue;
      }
      delete operation.reasons;
      weight += JSON.stringify(operation).length;
      if (held.length && weight > most) break;
      held.push(box);
      operations.push(operation);
    }
    if (!held.length) continue;
    let told;
    try {
      const { epoch, seen } = await known();
      told = await post(who, operations, shown, { epoch, seen });
    } catch (error) {
      if (error.status === 413) {
        size = Math.ceil(held.length / 2);
        if (held.length === 1) tried.add(held[0].order); // too much by itself: it holds up no other
        continue;
      }
      pause = error.status === 429 ? error.wait : 0;
      waitUntil = Date.now() + pause * 1000;
      if (error.status === 401) return "signed-out";
      return error.status === 400 || error.status === 403 ? "refused" : "offline";
    }
    if (me !== who) return "signed-out";
    if (await notice(told)) continue; // in their order: first what the server has lost
    let moved = 0;
    for (const [place, box] of held.entries()) {
      if (me !== who) return "signed-out";
      const said = told.answers.find((a) => a?.id === box.id);
      if (said && (await take(box, operations[place], said, told))) {
        answers.set(box.id, said);
        moved += 1;
      } else tried.add(box.order);
    }
    if (!moved) return "offline"; // an answer that names none of them is no answer
  }
}

// What was thrown away while it was on its way does not come back.
const ifHeld = (store, order, work) => {
  store("operations").get(order).onsuccess = ({ target }) => target.result && work();
};

// What the server says of one entry. True where it says something that this phone understands.
async function take(box, operation, said, told) {
  if (["applied", "duplicate", "conflict"].includes(said.status)) {
    const { order, state, ...rest } = box;
    const at = Date.parse(told.now) || Date.now();
    const kept = { ...rest, number: said.number, at, page: said.status === "conflict" ? said.page : undefined };
    await change(["operations", "tail"], (store) => ifHeld(store, order, () => {
      store("operations").delete(order);
      store("tail").put(kept);
    }));
    return true;
  }
  if (said.status !== "rejected") return false;
  const why = await seal(box.id, { ...operation, reasons: said.reasons, base: said.base ?? operation.base });
  const isOutdated = (await list()).some((o) => o.order > box.order && o.operation.entry === operation.entry);
  await change(["operations"], (store) => ifHeld(store, box.order, () => {
    if (isOutdated) store("operations").delete(box.order); // its owner has mended it meanwhile
    else store("operations").put({ ...box, ...why, state: "attention" });
  }));
  return true;
}

// A server that was put back from a backup: what it confirmed in the last two days goes out again.
async function notice(told) {
  const { epoch, tail } = await known();
  const now = Date.parse(told.now) || Date.now();
  const old = tail.filter((held) => now - held.at > 2 * day);
  const recent = tail.filter((held) => now - held.at <= 2 * day);
  const lost = (epoch && epoch !== told.epoch) || recent.some((held) => held.number > told.last);
  const first = Math.min(0, ...(await all("operations")).map((held) => held.order)) - recent.length;
  await change(["operations", "tail", "things"], (store) => {
    for (const held of old) store("tail").delete(held.id);
    recent.forEach(({ number, at, page: _, ...held }, place) => {
      if (!lost) return;
      store("tail").delete(held.id);
      store("operations").add({ ...held, order: first + place, state: "waiting" });
    });
    store("things").put({ id: `epoch:${me}`, owner: me, epoch: told.epoch });
  });
  return lost;
}

// What the server confirmed to this phone: in which life of its database, and up to which number.
async function known() {
  const tail = (await mine("tail")).sort((a, b) => a.number - b.number);
  return { tail, seen: tail.at(-1)?.number ?? 0, epoch: (await one("things", `epoch:${me}`))?.epoch ?? null };
}

// Drafts: what is half-written, by form. `read` gives it at the last moment, or nothing where it is being saved by then.
export async function keepDraft(name, read) {
  if (!(await owner())) return false;
  if (!key) await prepare().catch(() => false);
  const what = key && read();
  if (!what) return false;
  const id = `${me}:${name}`;
  const draft = { id, owner: me, ...(await seal(id, what)) };
  await change(["drafts"], (store) => store("drafts").put(draft));
  return true;
}

// Throws where there is no key, so that nothing is kept over what was not looked at. One that can't be opened is none.
export async function findDraft(name) {
  if (!(await owner())) return null;
  if (!key) await prepare();
  const held = await one("drafts", `${me}:${name}`);
  return held ? unseal(held, held.id).catch(() => null) : null;
}

export async function dropDraft(name) {
  if (await owner()) await change(["drafts"], (store) => store("drafts").delete(`${me}:${name}`));
}

// One thing that somebody wants kept here, such as the crisis card.
export async function keepThing(name, what) {
  await prepare();
  const id = `${name}:${me}`;
  const thing = { id, owner: me, ...(await seal(id, what)) };
  await change(["things"], (store) => store("things").put(thing));
}

export async function findThing(name) {
  const held = (await owner()) && key && (await one("things", `${name}:${me}`));
  return held ? unseal(held, held.id) : null;
}

export async function dropThing(name) {
  await change(["things"], (store) => store("things").delete(`${name}:${me}`));
}

// Nobody is signed in here: the keys go, and with them everything that can be read. What waits stays, sealed. Not where
// somebody signed in after `since`.
export async function lock(since = Infinity) {
  key = me = undefined;
  await alone(async () => {
    const here = await one("things", "here");
    if (here?.at > since && here.at <= Date.now()) return;
    await caches.delete("key");
    await caches.delete("help");
    const gone = (await all("things")).filter((held) => !held.epoch);
    if (!gone.length && !(await all("keys")).length) return;
    await change(["keys", "things"], (store) => {
      store("keys").clear();
      for (const held of gone) store("things").delete(held.id);
    });
  });
}

// The owner signs out, and this phone forgets: all that is theirs, but for what waits where it is to stay locked.
export async function forget(keepLocked) {
  const mine = (await one("things", "here"))?.owner ?? (await owner()); // also where the page knows nobody any more
  const names = keepLocked ? ["drafts", "tail"] : ["drafts", "tail", "operations"];
  const found = await Promise.all(names.map(all));
  await change(names, (store) => {
    names.forEach((name, place) => {
      for (const held of found[place]) if (held.owner === mine) store(name).delete(held[stores[name]]);
    });
  });
  await lock();
  if (!(await all("operations")).some((held) => held.owner === mine)) await change(["things"], (store) => store("things").delete(`epoch:${mine}`));
  for (const name of ["drafts", "waits"]) localStorage.removeItem(name);
}

export function onChange(work) {
  watching.add(work);
  shared?.addEventListener("message", work);
}
