// XState 5 over the table that bench/step.py gives on stdin; prints the least {"live": us, "rebuilt": us} a step.
const { createActor, createMachine } = require("xstate");
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));

const states = {};
for (const [event, from, to] of given.ways) {
  states[from] ??= { on: {} };
  states[to] ??= { on: {} };
  states[from].on[event] = to;
}
const machine = createMachine({ id: "complaint", initial: "begin", states });
const names = new Map(given.names.map(([at, text, name]) => [at + "\n" + text, name]));
const fold = (text) => given.folded[text] ?? text.normalize("NFKD").toLowerCase();
const type = (at, text) => ({ type: names.get(at + "\n" + fold(text)) });

function live() {
  const actor = createActor(machine).start();
  for (const text of given.texts) actor.send(type(actor.getSnapshot().value, text));
}

function rebuilt() {
  let stored = JSON.stringify(createActor(machine).start().getPersistedSnapshot());
  for (const text of given.texts) {
    const actor = createActor(machine, { snapshot: JSON.parse(stored) }).start();
    actor.send(type(actor.getSnapshot().value, text));
    stored = JSON.stringify(actor.getPersistedSnapshot());
  }
}

function measure(walk) {
  for (let warm = 0; warm < 2000; warm++) walk();
  let least = Infinity;
  for (let time = 0; time < given.times; time++) {
    const begun = process.hrtime.bigint();
    walk();
    least = Math.min(least, Number(process.hrtime.bigint() - begun));
  }
  return Math.round(least / given.texts.length / 10) / 100;
}

console.log(JSON.stringify({ live: measure(live), rebuilt: measure(rebuilt) }));
