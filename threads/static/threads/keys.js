// Keys as in mutt, b4 and lore; every page works without them.
"use strict";
(() => {
  const stops = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.getClientRects().length);
  let last = null;
  const go = (selector, step) => {
    const all = stops(selector);
    if (!all.length) return;
    const focused = all.findIndex((one) => one === last || one.contains(document.activeElement));
    const at = focused < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, focused + step));
    last = all[at];
    const link = last.matches("a") ? last : last.querySelector("a");
    if (link) link.focus({ preventScroll: true });
    last.scrollIntoView({ block: "nearest" });
  };
  const follow = (...selectors) => {
    const link = selectors.map((one) => document.querySelector(one)).find(Boolean);
    if (link) location.href = link.href;
  };
  const keys = {
    j: () => go(".rows tbody tr, .thread > li, .matrix tbody tr", 1),
    k: () => go(".rows tbody tr, .thread > li, .matrix tbody tr", -1),
    n: () => go(".finding", 1),
    p: () => go(".finding", -1),
    N: () => go(".thread > li.new", 1),
    "[": () => follow("a[rel=prev]"),
    "]": () => follow("a[rel=next]"),
    u: () => follow("a[rel=up]", ".crumbs a"),
    c: () => go("#matrix, .cells", 1),
    "/": () => document.querySelector(".search input").focus(),
    g: () => scrollTo(0, 0),
    G: () => scrollTo(0, document.body.scrollHeight),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // Mails that came since the thread was last read here; kept in this browser alone.
  const thread = document.querySelector("ol.thread[data-thread]");
  const mark = () => {
    const read = new Map(JSON.parse(localStorage.getItem("read") || "[]"));
    const before = read.get(thread.dataset.thread);
    let newest = before || 0;
    for (const mail of thread.children) {
      const number = Number(mail.id.slice(1));
      newest = Math.max(newest, number);
      if (!before || number <= before) continue;
      mail.classList.add("new");
      const word = Object.assign(document.createElement("b"), { className: "unread", textContent: "new " });
      mail.querySelector(".head").prepend(word);
    }
    read.delete(thread.dataset.thread);
    read.set(thread.dataset.thread, newest);
    localStorage.setItem("read", JSON.stringify([...read].slice(-500)));
  };
  try {
    if (thread) mark();
  } catch {
    // storage is switched off, or holds something else: nothing is marked
  }

  // A page of something under way loads itself again when there is news.
  const wait = document.body.dataset.wait;
  const watch = async (tag) => {
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(wait + (tag ? "?wait=25" : ""), { headers, cache: "no-store" });
    if (tag && answer.status === 200) return location.reload();
    if (answer.status > 304) return undefined;
    setTimeout(watch, 2000, answer.headers.get("ETag") || tag);
  };
  if (wait) watch("").catch(() => undefined);
})();
