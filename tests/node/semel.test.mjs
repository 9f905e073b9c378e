// Run by tests/node/test_node.py, against a shop that is served.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { crc16, Rejected, Semel, Unknown, uuid7 } from "./semel.mjs";

const { SEMEL_REDIS, SEMEL_NAMESPACE, UNSERVED_REDIS, PARTITIONS_EXAMPLES } = process.env;
let semel;

before(async () => {
  semel = await Semel.connect(SEMEL_REDIS, SEMEL_NAMESPACE);
});
after(() => semel.close());

test("partitions are those of the page's examples", () => {
  for (const [aggregate, expected] of JSON.parse(PARTITIONS_EXAMPLES)) {
    assert.equal(crc16(aggregate), expected, aggregate);
  }
});

test("it submits, waits, and reads its own writes", async () => {
  for (let n = 0; n < 20; n++) {
    const name = `Ada ${n}`;
    const type = n ? "RenameCustomer" : "RegisterCustomer";
    const outcome = await semel.submit(type, "customer-node", { name });
    assert.deepEqual([outcome.status, outcome.version], ["accepted", n + 1]);
    const row = await semel.row("customers", "customer-node", { after: outcome });
    assert.equal(row.name, name);
  }
});

test("a hundred at once have an outcome each", async () => {
  const all = Array.from({ length: 100 }, (_, n) =>
    semel.submit("RegisterCustomer", `customer-é-${n}`, { name: `Customer ${n}` }),
  );
  const outcomes = await Promise.all(all);
  assert.equal(new Set(outcomes.map((outcome) => outcome.id)).size, 100);
});

test("a repeat of an id has its effect once", async () => {
  const id = uuid7();
  const first = await semel.submit("RegisterCustomer", "customer-twice", { name: "Ada" }, { id });
  const again = await semel.submit("RegisterCustomer", "customer-twice", { name: "Ada" }, { id });
  assert.deepEqual([first.status, again.status], ["accepted", "duplicate"]);
  assert.equal(again.detail.first.entry, first.entry);
  assert.equal(again.version, 1);
  await assert.rejects(
    semel.submit("RegisterCustomer", "customer-twice", { name: "Eve" }, { id }),
    { code: "id_reused" },
  );
});

test("a rejection has its code, and says what was wrong by field", async () => {
  await assert.rejects(semel.submit("ShipOrder", "order-unheard-of", {}), (error) => {
    assert.ok(error instanceof Rejected);
    assert.equal(error.code, "order_unknown");
    return true;
  });
  await assert.rejects(semel.submit("RegisterCustomer", "customer-odd", { nam: "x" }), (error) => {
    assert.equal(error.code, "malformed");
    assert.deepEqual(Object.keys(error.errors).sort(), ["data.nam", "data.name"]);
    return true;
  });
  await assert.rejects(
    semel.submit("RenameCustomer", "customer-twice", { name: "x" }, { meta: { expect: 7 } }),
    { code: "version_conflict" },
  );
});

test("there is no row of what never was", async () => {
  assert.equal(await semel.row("customers", "customer-never"), null);
});

test("an id that nobody answers in time is told, to ask again", async () => {
  const none = await Semel.connect(UNSERVED_REDIS, `${SEMEL_NAMESPACE}_unserved`);
  try {
    await assert.rejects(
      none.submit("RegisterCustomer", "customer-a", { name: "A" }, { id: "x", seconds: 0.2 }),
      (error) => error instanceof Unknown && error.id === "x",
    );
  } finally {
    await none.close();
  }
});
