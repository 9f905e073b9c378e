// A client of semel, written from docs/redis-contract.md alone. It needs npm's `redis`.
//
// It writes to partitions itself, waits on their streams of outcomes, and repeats what it does not
// know the fate of: with the same id, so that it has its effect once.

import { randomBytes } from "node:crypto";
import { createClient, ErrorReply } from "redis";

/** The answer was no: `code` is stable, `errors` says what was wrong by field. */
export class Rejected extends Error {
  constructor(outcome, { code, message, errors = {} }) {
    super(`${code}: ${message}`);
    Object.assign(this, { outcome, code, errors });
  }
}

/** Nobody answered in time. Submit again with the same `id`. */
export class Unknown extends Error {
  constructor(id) {
    super(`no outcome of command ${id} in time: it may still come`);
    this.id = id;
  }
}

/** CRC16, XMODEM: as Redis Cluster has it. */
export function crc16(text) {
  let crc = 0;
  for (const byte of Buffer.from(text, "utf8")) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
    }
  }
  return crc;
}

/** A UUIDv7: an id that has its time in it is never run again once it is forgotten. */
export function uuid7(now = Date.now()) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The greatest stream id below another. */
function below(entry) {
  const [ms, seq] = entry.split("-").map(BigInt);
  if (seq > 0n) return `${ms}-${seq - 1n}`;
  return ms > 0n ? `${ms - 1n}-${2n ** 64n - 1n}` : "0-0";
}

const inOrder = (entry) => entry.split("-").map(BigInt);
const isAbove = (one, other) => {
  const [[ms, seq], [otherMs, otherSeq]] = [inOrder(one), inOrder(other)];
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
};

export class Semel {
  #redis;
  #namespace;
  #partitions;

  static async connect(url, namespace = "semel") {
    const semel = new Semel();
    semel.#namespace = namespace;
    semel.#redis = createClient({ url });
    semel.#redis.on("error", () => {}); // it connects anew by itself; calls that fail say so
    await semel.#redis.connect();
    semel.#partitions = Number(await semel.#redis.hGet(`{${namespace}}:meta`, "partitions"));
    if (!semel.#partitions) throw new Error(`there is no namespace ${namespace}`);
    return semel;
  }

  close() {
    return this.#redis.close();
  }

  /** Send a command and return its outcome: accepted, or a duplicate of something accepted. */
  async submit(type, aggregate, data, { id = uuid7(), meta, seconds = 10 } = {}) {
    const deadline = Date.now() + seconds * 1000;
    const partition = crc16(aggregate) % this.#partitions;
    const fields = { id, type, aggregate, data: JSON.stringify(data) };
    if (meta) fields.meta = JSON.stringify(meta);
    while (Date.now() < deadline) {
      let outcome, entry;
      try {
        entry = await this.#redis.xAdd(this.#key(partition, "commands"), "*", fields);
        outcome = await this.#outcome(partition, entry, id, deadline);
      } catch (error) {
        if (error instanceof ErrorReply) throw error; // it was not added; else nobody knows
      }
      if (outcome) return decided({ ...outcome, partition, entry });
    }
    throw new Unknown(id);
  }

  /** The live row of a read model, once that has what an outcome or a receipt stands for. */
  async row(view, row, { after, seconds = 10 } = {}) {
    const deadline = Date.now() + seconds * 1000;
    do {
      const live = (await this.#redis.hGet(`${this.#namespace}:view:${view}`, "live")) ?? 1;
      if (!after || (await this.#hasReached(view, live, after.receipt ?? after))) {
        const fields = await this.#redis.hGetAll(`${this.#namespace}:view:${view}@${live}:${row}`);
        const shown = Object.entries(fields).filter(([name]) => !name.startsWith("_"));
        return "_deleted" in fields || !shown.length ? null : Object.fromEntries(shown);
      }
      await new Promise((go) => setTimeout(go, 5));
    } while (Date.now() < deadline);
    throw new Error(`${view} is behind`);
  }

  #key(partition, name) {
    return `{${this.#namespace}:${partition}}:${name}`;
  }

  /** The final outcome of an entry; null where it was lost, or nothing came in time. */
  async #outcome(partition, entry, id, deadline) {
    const found = await this.#read(this.#key(partition, "outcomes"), below(entry), deadline);
    if (!found || found.id !== entry || found.message.id !== id) return null;
    if (found.message.status !== "deferred") return found.message;
    let from = below(`${entry.split("-")[0]}-0`);
    for (;;) {
      const late = await this.#read(this.#key(partition, "late"), from, deadline);
      if (!late) return null;
      if (late.message.of === entry) return late.message;
      from = isAbove(late.id, from) ? late.id : from;
    }
  }

  /** The next entry of a stream, on a connection of its own: a blocked one can do nothing else. */
  async #read(key, after, deadline) {
    const BLOCK = Math.max(1, deadline - Date.now());
    const reader = await this.#redis.duplicate().on("error", () => {}).connect();
    try {
      const read = await reader.xRead({ key, id: after }, { BLOCK, COUNT: 1 });
      return read?.[0].messages[0] ?? null;
    } finally {
      reader.destroy();
    }
  }

  async #hasReached(view, generation, receipt) {
    const [partition, wanted] = receipt.split(".");
    const key = this.#key(partition, `projection:${view}@${generation}`);
    return BigInt((await this.#redis.hGet(key, "position")) ?? 0) >= BigInt(wanted);
  }
}

/** An outcome that is a yes; raises `Rejected` for a no. A duplicate says what the first was. */
function decided({ detail, version, position, ...said }) {
  const outcome = { ...said, version: Number(version), detail: JSON.parse(detail) };
  outcome.receipt = `${said.partition}.${position}.${said.branch}`;
  const first = outcome.detail.first ?? { ...outcome.detail, status: said.status };
  if (first.status !== "accepted") throw new Rejected(outcome, first);
  return outcome;
}
