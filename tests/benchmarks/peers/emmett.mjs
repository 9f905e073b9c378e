// Emmett on PostgreSQL: a decider behind its own command handler, with a pool of connections.
// The plan is the one word of this script, as for the scripts in Python; it prints its figures.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { DeciderCommandHandler, IllegalStateError } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';

const plan = JSON.parse(process.argv[2]);
const DRAIN_TASKS = 64; // as many as keep the pool's connections and the disk busy

const handle = DeciderCommandHandler({
  decide: ({ data }, state) => {
    if (state.status !== 'none') throw new IllegalStateError('the order exists');
    if (data.items.length === 0) throw new IllegalStateError('an order has items');
    return { type: 'OrderCreated', data };
  },
  evolve: (state, { type }) => (type === 'OrderCreated' ? { status: 'created' } : state),
  initialState: () => ({ status: 'none' }),
});

let next = 0;
const order = (number) => ({
  order_id: `order-${number}`,
  customer_id: `c-${number % 1000}`,
  items: [
    { product_id: 'p-1', quantity: 2, unit_price: '12.50' },
    { product_id: 'p-2', quantity: 1, unit_price: '4.20' },
  ],
  shipping_address: {
    street: "59 rue de l'Abbaye",
    city: 'Reims',
    postal_code: '51100',
    country: 'France',
  },
});

const inFlight = async (store, seconds, number) => {
  const took = [];
  const began = performance.now();
  const until = began + seconds * 1000;
  const work = async () => {
    for (let start; (start = performance.now()) < until; ) {
      const data = order(next++);
      await handle(store, data.order_id, { type: 'CreateOrder', data });
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: number }, work));
  const elapsed = (performance.now() - began) / 1000;
  took.sort((one, other) => one - other);
  const at = (share) => took[Math.max(0, Math.ceil(took.length * share) - 1)];
  return { per_second: took.length / elapsed, p50_ms: at(0.5), p99_ms: at(0.99) };
};

const versionOf = (name) => {
  const home = join(dirname(fileURLToPath(import.meta.url)), 'node_modules');
  return JSON.parse(readFileSync(join(home, name, 'package.json'))).version;
};

const store = getPostgreSQLEventStore(plan.url);
await store.schema.migrate();
await inFlight(store, 0.5, DRAIN_TASKS); // until its code is compiled and its pool is full
const said = {
  versions: {
    emmett: versionOf('@event-driven-io/emmett'),
    'emmett-postgresql': versionOf('@event-driven-io/emmett-postgresql'),
    node: process.versions.node,
  },
  drain: await inFlight(store, plan.seconds, DRAIN_TASKS),
  one: await inFlight(store, plan.seconds, 1),
  at_64: await inFlight(store, plan.seconds, 64),
  at_512: await inFlight(store, plan.seconds, 512),
};
await store.close();
console.log(`\n${JSON.stringify(said)}`);
