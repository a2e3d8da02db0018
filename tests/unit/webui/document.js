"use strict";
// As much of a browser as the page needs: a tree of elements, a place, answers to fetch and to
// scripts (JSONP), and a timer that never goes off by itself.
const vm = require("vm");

class Element {
  constructor(tag) {
    this.tag = tag;
    this.attributes = {};
    this.children = [];
    this.hidden = false;
  }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  append(...children) { this.children.push(...children.map(c => c instanceof Element ? c : String(c))); }
  replaceChildren(...children) { this.children = []; this.append(...children); }
  remove() {}
  focus() {}
  setSelectionRange() {}
  set textContent(text) { this.children = [String(text)]; }
  get id() { return this.attributes.id; }
  get text() { return this.children.map(c => typeof c === "string" ? c : c.text).join(""); }
  all(test) {
    return this.children.filter(c => c instanceof Element)
      .flatMap(c => [...(test(c) ? [c] : []), ...c.all(test)]);
  }
  tagged(tag) { return this.all(e => e.tag === tag); }
}

// `answers`: path or address without the query -> what it answers: an object, a status, or an Error.
class Browser {
  constructor(html, answers) {
    this.answers = answers;
    this.asked = [];
    this.listeners = {};
    this.timers = [];
    const head = new Element("head");
    const named = {};
    for (const id of html.match(/id="([^"]+)"/g)) named[id.slice(4, -1)] = new Element("div");
    this.named = named;
    head.append = script => this.runScript(script);
    const everywhere = test => Object.values(named).flatMap(e => e.all(test));
    const document = {
      head, activeElement: null, hidden: false, title: "",
      createElement: tag => new Element(tag),
      getElementById: id => named[id] || everywhere(e => e.id === id)[0] || null,
      querySelector: tag => everywhere(e => e.tag === tag)[0] || null,
    };
    this.document = document;
    this.window = vm.createContext({
      document, location: { hash: "" }, console, URL, encodeURIComponent, decodeURIComponent,
      fetch: (path, options) => this.fetch(path, options),
      setTimeout: fn => this.timers.push(fn),
    });
    this.window.window = this.window;
    this.window.addEventListener = (name, fn) => { this.listeners[name] = fn; };
    vm.runInContext(html.match(/<script>([^]*)<\/script>/)[1], this.window);
  }
  answer(path) {
    this.asked.push(path);
    const answer = this.answers[path.split("?")[0]];
    return typeof answer === "function" ? answer(new URL(path, "http://x/").searchParams) : answer;
  }
  async fetch(path) {
    const answer = this.answer(path);
    if (answer === undefined) throw new TypeError("Failed to fetch");
    if (answer === "redirect") return { type: "opaqueredirect", ok: false, status: 0 };
    const ok = typeof answer !== "number";
    return { ok, status: ok ? 200 : answer, type: "basic", json: async () => answer };
  }
  runScript(script) {
    const url = script.attributes.src;
    const name = url.match(/jsonp=(\w+)/)[1];
    const answer = this.answer(url);
    setImmediate(() => answer === undefined ? script.onerror() : this.window[name](answer));
  }
  // Until all that was begun has ended: fetches and scripts here take no time.
  async settle() { for (let i = 0; i < 20; i++) await new Promise(setImmediate); }
  async go(hash) {
    this.window.location.hash = hash;
    this.listeners.hashchange();
    await this.settle();
    return this.main;
  }
  async refresh() {
    this.timers.pop()();
    await this.settle();
  }
  get main() { return this.named.main; }
  get trouble() { return this.named.trouble; }
}

module.exports = { Browser };
