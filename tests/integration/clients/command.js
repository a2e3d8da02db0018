"use strict";
// npm's mesos-framework runs a command task to its end: node command.js MASTER_PORT
const { Scheduler, Mesos } = require("mesos-framework");
const mesos = Mesos.getMesos();

const scheduler = new Scheduler({
  masterUrl: "127.0.0.1",
  port: Number(process.argv[2]),
  frameworkName: "mesos-framework-of-npm",
  logging: { level: "error" },
  tasks: {
    hello: {
      priority: 1,
      instances: 1,
      commandInfo: new mesos.CommandInfo(null, null, true, "echo hello from npm", null, null),
      resources: { cpus: 0.1, mem: 32, ports: 0, disk: 0 },
    },
  },
});

scheduler.on("subscribed", s => console.log("subscribed", s.frameworkId));
scheduler.on("error", e => console.log("error", e.message || JSON.stringify(e)));
scheduler.on("update", u => {
  console.log("update", u.status.state);
  if (u.status.state === "TASK_FINISHED") {
    // The library acknowledges behind this handler.
    setTimeout(() => { scheduler.teardown(); setTimeout(() => process.exit(0), 200); }, 300);
  }
});
scheduler.on("ready", () => scheduler.subscribe());
setTimeout(() => { console.log("too slow"); process.exit(1); }, 30000);
