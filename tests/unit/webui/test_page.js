"use strict";
// test_page.js ROOT: what the page of src/webui makes of the master's and the agents' answers.
const assert = require("assert");
const fs = require("fs");
const path = require("path");
const { Browser } = require("./document.js");

const root = process.argv[2];
const html = fs.readFileSync(path.join(root, "src/webui/index.html"), "utf8");
const golden = name => JSON.parse(
  fs.readFileSync(path.join(root, "tests/data/golden/master", name), "utf8"));

const AGENT = { id: "m-S0", hostname: "Node7", pid: "slave(1)@10.0.0.7:5051", active: true,
                deactivated: false, version: "1.12.0", registered_time: 1e9,
                attributes: { rack: "r1" }, resources: { cpus: 4, mem: 2048, disk: 512 },
                used_resources: { cpus: 0.5, mem: 512, disk: 0 } };
const TASK = { id: "t1", name: "<b>web</b>", framework_id: "m-0000", executor_id: "",
               slave_id: "m-S0", state: "TASK_RUNNING", resources: { cpus: 0.5, mem: 512 },
               statuses: [{ state: "TASK_RUNNING", timestamp: 1e9 }] };
const FRAMEWORK = { id: "m-0000", name: "marathon", active: true, connected: true, user: "root",
                    roles: ["services"], webui_url: "", tasks: [TASK], completed_tasks: [],
                    unreachable_tasks: [], used_resources: { cpus: 0.5, mem: 512 },
                    registered_time: 1e9 };

function state(more) {
  return { cluster: "lab", version: "1.12.0", pid: "master@10.0.0.1:5050", start_time: 1e9,
           leader: "master@10.0.0.1:5050", activated_slaves: 1, deactivated_slaves: 0,
           unreachable_slaves: 0, slaves: [AGENT], recovered_slaves: [], frameworks: [FRAMEWORK],
           completed_frameworks: [], ...more };
}

function machine(hostname, ip, start, duration) {
  return { machine_ids: [{ hostname, ip }], unavailability: {
    start: { nanoseconds: start * 1e9 },
    ...(duration ? { duration: { nanoseconds: duration * 1e9 } } : {}) } };
}

async function open(answers) {
  const browser = new Browser(html, { state: state(), "maintenance/schedule": {},
                                      "maintenance/status": {}, roles: { roles: [] }, ...answers });
  await browser.settle();
  return browser;
}

const tests = {
  async "the overview counts, and text is never markup"() {
    const browser = await open();
    assert.match(browser.main.text, /agents1active, 0 inactive, 0 unreachable/);
    assert.match(browser.main.text, /mem25 %512 MB of 2 GB in use/);
    assert.ok(browser.main.text.includes("<b>web</b>"));
    assert.strictEqual(browser.main.tagged("b").filter(b => b.text === "web").length, 0);
  },

  async "an empty cluster is told of in words"() {
    const browser = await open({ state: state({ slaves: [], frameworks: [] }) });
    assert.match(browser.main.text, /No task is running\./);
    assert.match((await browser.go("#agents")).text, /No agent is registered\./);
    assert.match((await browser.go("#frameworks")).text, /No framework is registered\./);
    assert.match((await browser.go("#roles")).text, /No role is in use\..*No role has a quota\./);
    assert.match((await browser.go("#maintenance")).text, /No maintenance is planned\./);
  },

  async "what Mesos answers is shown on every page"() {
    const browser = await open({ state: golden("state.json"), roles: golden("roles.json") });
    for (const page of ["", "#agents", "#frameworks", "#tasks", "#roles", "#maintenance"]) {
      const main = await browser.go(page);
      assert.ok(main.tagged("section").length > 0, page);
      assert.strictEqual(main.all(e => e.attributes.class === "bad" && e.tag === "section").length,
                         0, main.text);
      assert.doesNotMatch(main.text, /undefined|NaN|\[object/);
    }
  },

  async "agents: amounts, attributes, tasks, and what their machine is scheduled for"() {
    const browser = await open({
      "maintenance/schedule": { windows: [machine("node7", "10.0.0.7", 2e9)] },
      "maintenance/status": {},
    });
    const row = (await browser.go("#agents")).tagged("tr")[1].text;
    assert.match(row, /rack:r1/);
    assert.match(row, /activemaintenance from 20/);
    assert.match(row, /0\.5 \/ 4512 MB \/ 2 GB0 MB \/ 512 MB1/);
  },

  async "an agent that is drained, deactivated or not back yet"() {
    const drained = { ...AGENT, id: "m-S1", drain_info: { state: "DRAINED" }, active: false };
    const deactivated = { ...AGENT, id: "m-S2", deactivated: true, active: false };
    const lost = { id: "m-S3", hostname: "node9" };
    const browser = await open({ state: state({ slaves: [drained, deactivated],
                                                recovered_slaves: [lost] }),
                                 "maintenance/schedule": 403 });
    const text = (await browser.go("#agents")).text;
    assert.match(text, /drained/);
    assert.match(text, /deactivated/);
    assert.match(text, /Not back yet.*node9m-S3/);
  },

  async "roles: weights, and quotas by resource"() {
    const browser = await open({ roles: { roles: [
      { name: "eng/web", weight: 2.5, frameworks: ["a", "b"], resources: { cpus: 1, mem: 2048 },
        quota: { role: "eng/web", consumed: { cpus: 3, disk: 1 }, guarantee: { mem: 1024 },
                 limit: { cpus: 3, mem: 4096, gpus: 0 } } },
      { name: "idle", weight: 1, frameworks: [], resources: {}, quota: {} }] } });
    const [roles, quotas] = (await browser.go("#roles")).tagged("tbody");
    assert.deepStrictEqual(roles.tagged("tr").map(r => r.text),
                           ["eng/web2.5212 GB0 MB", "idle1000 MB0 MB"]);
    assert.deepStrictEqual(quotas.tagged("tr").map(r => r.text),
                           ["eng/webMemory1 GB0 MB4 GB", "eng/webCPUs–33", "eng/webGPUs–00"]);
    const bars = quotas.all(e => /^bar/.test(e.attributes.class || ""));
    assert.deepStrictEqual(bars.map(b => [b.attributes.class, b.tagged("i")[0].attributes.style]),
                           [["bar", "width:0%"], ["bar full", "width:100%"],
                            ["bar full", "width:100%"]]);
  },

  async "maintenance: machines in order, down or draining, with agents and answers"() {
    const browser = await open({
      "maintenance/schedule": { windows: [machine("node8", "10.0.0.8", 3e9),
                                          machine("NODE7", "10.0.0.7", 2e9, 3600)] },
      "maintenance/status": {
        down_machines: [{ hostname: "node8", ip: "10.0.0.8" }],
        draining_machines: [{ id: { hostname: "NODE7", ip: "10.0.0.7" }, statuses: [
          { framework_id: { value: "m-0000" }, status: "ACCEPT" },
          { framework_id: { value: "gone" }, status: "DECLINE" }] }] },
    });
    const rows = (await browser.go("#/maintenance")).tagged("tr").slice(1).map(r => r.text);
    assert.match(rows[0], /^NODE710\.0\.0\.7draining20.*m-S0marathon acceptsgone declines$/);
    assert.match(rows[1], /^node810\.0\.0\.8down20.*open$/);
  },

  async "a filter that nothing matches says so"() {
    const browser = await open();
    const main = await browser.go("#agents");
    const box = main.tagged("input")[0];
    box.oninput({ target: { value: "nowhere" } });
    await browser.settle();
    assert.match(browser.main.text, /No agent is called so\./);
  },

  async "a sandbox: folders, files and the way back"() {
    const directory = "/w/slaves/m-S0/frameworks/m-0000/executors/t1/runs/r";
    const agent = "http://10.0.0.7:5051";
    const browser = await open({
      [agent + "/state"]: { completed_frameworks: [], frameworks: [
        { id: "m-0000", completed_executors: [], executors: [{ id: "t1", directory }] }] },
      [agent + "/files/browse"]: [
        { path: directory + "/d/a file", mode: "-rw-r--r--", uid: "u", gid: "g", size: 2048,
          mtime: 1e9 }],
      [agent + "/files/read"]: query => query.get("path").endsWith("/a file")
        ? { data: query.get("offset") === "-1" ? "" : "hello", offset: 5 } : undefined,
    });
    const folder = await browser.go("#sandbox/m-S0/m-0000/t1/t1/d");
    assert.match(folder.text, /^t1 \/ dName.*a file-rw-r--r--u:g2 KB/);
    const file = await browser.go("#sandbox/m-S0/m-0000/t1/t1/d/a%20file");
    assert.strictEqual(file.tagged("h2")[0].text, "t1 / d / a file");
    assert.deepStrictEqual(file.tagged("h2")[0].tagged("a").map(a => a.attributes.href),
                           ["#sandbox/m-S0/m-0000/t1/t1", "#sandbox/m-S0/m-0000/t1/t1/d",
                            "#sandbox/m-S0/m-0000/t1/t1/d/a%20file"]);
    assert.strictEqual(file.tagged("pre")[0].text, "hello");
  },

  async "a master that is gone is told of, above what is known"() {
    const browser = await open();
    assert.ok(browser.trouble.hidden);
    delete browser.answers.state;
    await browser.refresh();
    assert.ok(!browser.trouble.hidden);
    assert.match(browser.trouble.text, /^The master does not answer\. What is shown is of 20/);
    assert.match(browser.main.text, /marathon/);
    browser.answers.state = state();
    await browser.refresh();
    assert.ok(browser.trouble.hidden);
  },

  async "a master that does not lead shows the way"() {
    const browser = await open({ state: "redirect" });
    assert.strictEqual(browser.trouble.text, "This master does not lead. Go to the leader");
    assert.strictEqual(browser.trouble.tagged("a")[0].attributes.href, "redirect");
    assert.strictEqual(browser.main.text, "");
    browser.answers.state = 503;
    await browser.refresh();
    assert.match(browser.trouble.text, /answers 503 to \/state/);
  },

  async "only the page that was asked for last is drawn"() {
    let release;
    const browser = await open({ roles: { roles: [] } });
    const wait = new Promise(resolve => { release = resolve; });
    const fetch = browser.fetch;
    browser.fetch = async path => { if (path === "roles") await wait; return fetch.call(browser, path); };
    await browser.go("#roles");
    await browser.go("#tasks");
    release();
    await browser.settle();
    assert.match(browser.main.text, /Active tasks/);
  },
};

(async () => {
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log("ok   " + name);
    } catch (error) {
      failed++;
      console.log("FAIL " + name + "\n" + error.stack);
    }
  }
  process.exit(failed ? 1 : 0);
})();
