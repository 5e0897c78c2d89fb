// XState 5 over the table that bench/step.py gives on stdin; prints {"live": us, "rebuilt": us} of CPU a step.
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
  const begun = process.cpuUsage();
  let turns = 0, taken = 0;
  do {
    walk();
    turns += given.texts.length;
    const { user, system } = process.cpuUsage(begun);
    taken = user + system;
  } while (taken < given.seconds * 1e6);
  return Math.round((100 * taken) / turns) / 100;
}

console.log(JSON.stringify({ live: measure(live), rebuilt: measure(rebuilt) }));
