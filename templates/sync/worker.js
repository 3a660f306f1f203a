// The service worker. It keeps the shell: static files, help, and forms that hold nothing about anybody. It never keeps
// a page or an answer with personal data.
importScripts("{{ asset('js/push-worker.js') }}"); // reminders
const version = "{{ version }}";
const shell = `shell-${version}`;
const files = {{ files|tojson }};
const pages = {{ pages|tojson }};
const help = "/help-now?offline=1";
const patience = 10000;
const broken = new Set([502, 503, 504]);

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell());
});

async function keepShell() {
  const cache = await caches.open(shell);
  await Promise.all([...files, ...pages, help].map((address) => add(cache, address)));
  await self.skipWaiting(); // it answers what is asked next; a page that is open goes on as it is
}

// A captive portal answers everything with a page of its own: only what is this journal's, of this version, is kept.
async function add(cache, address) {
  const answer = await fetch(address, { credentials: "omit", cache: "reload", redirect: "error" });
  const isPage = answer.headers.get("Content-Type")?.startsWith("text/html");
  if (!answer.ok || isPage === address.startsWith("/static/")) throw new Error(address);
  if (isPage && !(await answer.clone().text()).includes(`content="${version}"`)) throw new Error(address);
  await cache.put(address, answer);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      // A page that is still open may want a file of the shell before this one: it goes one version later.
      const old = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== shell);
      await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(show(request, address));
  else if (address.pathname.startsWith("/static/")) event.respondWith(kept(request));
});

// A page of this version: the shell before it may still be there, and comes first when all are asked.
const own = (address) => caches.match(address, { cacheName: shell });

async function kept(request) {
  return (await caches.match(request.url)) || fetch(request);
}

async function show(request, address) {
  const offline = async () => (await instead(address.pathname)) || Response.error();
  if (address.pathname.startsWith("/offline")) {
    const page = await own(address.pathname);
    if (page) return page;
  }
  if (await caches.match("/signed-out")) {
    // The browser may have asked for the page already while this worker woke up: what came of that isn't shown.
    return (await tellSignedOut()) ? Response.redirect(request.url) : offline();
  }
  let waiting;
  const late = new Promise((_, fail) => (waiting = setTimeout(fail, patience)));
  try {
    const answer = await Promise.race([fetch(request), late]); // as it is, so that its referrer stays
    return broken.has(answer.status) ? offline() : answer;
  } catch {
    return offline();
  } finally {
    clearTimeout(waiting);
  }
}

// Somebody signed out without signal: the server hears of it before anything else is shown.
async function tellSignedOut() {
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/sync/sign-out", { method: "POST", headers, body: "{}", signal: AbortSignal.timeout(patience) });
    if (!answer.ok || !(await answer.json()).signed_out) return false;
  } catch {
    return false;
  }
  await caches.delete("signed-out");
  return true;
}

function instead(path) {
  if (path === "/help-now") return caches.match(help, { cacheName: "help" }).then((mine) => mine || own(help));
  const asked = /^\/questionnaires\/([a-z0-9-]+)(\/\d+)?$/.exec(path);
  const page = asked && pages.find((one) => one.startsWith(`/offline/questionnaires/${asked[1]}/`));
  if (page) return own(page);
  if (path === "/today" || /^\/check-ins\/[\d-]+(\/log)?$/.test(path)) return own("/offline/check-in");
  if (path === "/infusions/new") return own("/offline/infusion");
  if (/^\/infusions\/[^/]+\/after$/.test(path)) return own("/offline/after-infusion/first");
  return own("/offline");
}
