// kafkajs, serving the calls of tests/clients/python/driven.py: one JSON object a line in, one a
// line out. kafkajs has gzip of its own; the other codecs are plug-ins, here over libraries without
// native code.
"use strict";

const readline = require("node:readline");
const { setTimeout: sleep } = require("node:timers/promises");
const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes,
  logLevel } = require("kafkajs");
const snappy = require("snappyjs");
const lz4 = require("lz4js");
const zstd = require("@bokuweb/zstd-wasm");

const [bootstrap] = process.argv.slice(2);
const kafka =
  new Kafka({ clientId: "driver", brokers: bootstrap.split(","), logLevel: logLevel.NOTHING });
const admin = kafka.admin();
const members = new Map();

class Unsupported extends Error {}

// Snappy as Kafka's Java client frames it: a magic, two versions, then blocks of a length and
// compressed bytes.
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

function snappyDecompressed(content) {
  if (!content.subarray(0, 8).equals(XERIAL)) return Buffer.from(snappy.uncompress(content));
  const blocks = [];
  for (let at = 16; at < content.length; ) {
    const length = content.readInt32BE(at);
    blocks.push(Buffer.from(snappy.uncompress(content.subarray(at + 4, at + 4 + length))));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

const plugIn = (compress, decompress) => () => ({
  compress: async (encoder) => Buffer.from(compress(encoder.buffer)),
  decompress: async (content) => Buffer.from(decompress(content)),
});
CompressionCodecs[CompressionTypes.Snappy] = plugIn((content) => snappy.compress(content),
  snappyDecompressed);
// lz4js says that blocks refer to earlier ones, which no Java consumer reads and Kafka refuses. A first
// block of up to 4 MiB has no earlier one: the flag of independent blocks, and the header's checksum.
function independent(frame) {
  frame[4] = 0x60;
  frame[6] = 0x73;
  return frame;
}
CompressionCodecs[CompressionTypes.LZ4] = plugIn((content) => independent(lz4.compress(content)),
  (content) => lz4.decompress(content));
CompressionCodecs[CompressionTypes.ZSTD] = plugIn((content) => zstd.compress(content),
  (content) => zstd.decompress(content));
const CODECS = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD };

const decoded = (text) => (text === null ? null : Buffer.from(text, "base64"));
const encoded = (content) =>
  content === null || content === undefined ? null : Buffer.from(content).toString("base64");

// A header that occurs several times is a list in kafkajs.
function headersOf(pairs) {
  const headers = {};
  for (const [key, value] of pairs) (headers[key] ??= []).push(decoded(value));
  return headers;
}

function received(partition, message) {
  const headers = Object.entries(message.headers ?? {}).flatMap(([key, values]) =>
    (Array.isArray(values) ? values : [values]).map((value) => [key, encoded(value)]));
  return { partition, key: encoded(message.key), value: encoded(message.value), headers,
    timestamp: Number(message.timestamp), offset: Number(message.offset) };
}

async function topicPartitions(topic) {
  if (!(await admin.listTopics()).includes(topic)) return 0;
  return (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length;
}

// kafkajs writes what one call has for a partition as one batch, however large, and says the first
// offset of each.
const CALL_RECORDS_MAX = 600;

async function produce({ topic, records, codec, acks, idempotent }) {
  const producer =
    kafka.producer({ idempotent, ...(idempotent ? { maxInFlightRequests: 1 } : {}) });
  await producer.connect();
  const messages =
    records.map((r) => ({ partition: r.partition, key: decoded(r.key), value: decoded(r.value),
    headers: headersOf(r.headers), timestamp: String(r.timestamp) }));
  const options = { topic, acks: acks === "all" ? -1 : Number(acks), compression: CODECS[codec] };
  const offsets = [];
  for (let at = 0; at < messages.length; at += CALL_RECORDS_MAX) {
    const part = messages.slice(at, at + CALL_RECORDS_MAX);
    const answers = await producer.send({ ...options, messages: part });
    const next = new Map((answers ?? []).map((a) => [a.partition, Number(a.baseOffset)]));
    for (const { partition } of part) {
      offsets.push(next.get(partition) ?? -1);
      next.set(partition, offsets.at(-1) + 1);
    }
  }
  await producer.disconnect();
  return offsets;
}

// kafkajs consumes in groups only: alone means a group of its own, without commits.
async function consume({ topic, count, places }) {
  const consumer =
    kafka.consumer({ groupId: `alone-${topic}-${Math.random()}`, maxWaitTimeInMs: 100 });
  const got = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachMessage: async ({ partition, message }) => {
    const start = places[partition];
    if (start === undefined || Number(message.offset) >= start)
      got.push(received(partition, message));
  } });
  for (const [partition, offset] of Object.entries(places))
    consumer.seek({ topic, partition: Number(partition), offset: String(offset) });
  for (const deadline = Date.now() + 60_000; got.length < count; await sleep(20))
    if (Date.now() > deadline) throw new Error(`${got.length} of ${count} records within 60 s`);
  await consumer.disconnect();
  return got;
}

async function member({ member: number, group, topic, instance, start }) {
  if (instance) throw new Unsupported("kafkajs has no static members");
  const consumer =
    kafka.consumer({ groupId: group, sessionTimeout: 6000, heartbeatInterval: 500,
      rebalanceTimeout: 10_000,
    maxWaitTimeInMs: 200, metadataMaxAge: 2000 });
  const state = { consumer, records: [], assignment: [], next: new Map(), topic };
  consumer.on(consumer.events.GROUP_JOIN,
    ({ payload }) => (state.assignment = payload.memberAssignment[topic] ?? []));
  consumer.on(consumer.events.REBALANCING, () => (state.assignment = []));
  consumer.on(consumer.events.CRASH,
    ({ payload }) => (state.failure = payload.restart ? undefined : payload.error));
  members.set(number, state);
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: start === "earliest" });
  await consumer.run({ autoCommit: false, eachMessage: async ({ partition, message }) => {
    state.records.push(received(partition, message));
    state.next.set(partition, Number(message.offset) + 1);
  } });
  return null;
}

async function poll({ member: number, seconds }) {
  const state = members.get(number);
  const deadline = Date.now() + seconds * 1000;
  for (; !state.records.length && Date.now() < deadline; await sleep(5))
    if (state.failure) throw state.failure;
  return { records: state.records.splice(0), assignment: state.assignment };
}

async function commit({ member: number }) {
  const { consumer, topic, next, assignment } = members.get(number);
  const offsets = [...next].filter(([partition]) => assignment.includes(partition));
  await consumer.commitOffsets(
    offsets.map(([partition, offset]) => ({ topic, partition, offset: String(offset) })));
  return null;
}

async function close({ member: number }) {
  await members.get(number).consumer.disconnect();
  members.delete(number);
  return null;
}

const byPartition = (rows, offset) =>
  Object.fromEntries(rows.map((row) => [row.partition, Number(row[offset])]));
const done = (promise) => promise.then(() => null);

const calls = {
  hello: async () => ["kafkajs", require("kafkajs/package.json").version],
  create_topic: async ({ topic, partitions, config }) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const topics = [{ topic, numPartitions: partitions, replicationFactor: -1, configEntries }];
    if (!(await admin.createTopics({ topics, waitForLeaders: false })))
      throw new Error(`topic ${topic} exists`);
    return null;
  },
  topic_partitions: ({ topic }) => topicPartitions(topic),
  produce, consume, member, poll, commit, close,
  end_offsets: async ({ topic }) => byPartition(await admin.fetchTopicOffsets(topic), "high"),
  committed: async ({ group, topic }) =>
    byPartition((await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0].partitions,
      "offset"),
  offset_for_time: async ({ topic, partition, timestamp }) =>
    byPartition(await admin.fetchTopicOffsetsByTimestamp(topic, timestamp), "offset")[partition],
  describe_config: async ({ topic }) => {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
    const found = await admin.describeConfigs({ resources });
    return Object.fromEntries(
      found.resources[0].configEntries.map((e) => [e.configName, e.configValue]));
  },
  alter_config: async ({ topic, config }) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
    return done(admin.alterConfigs({ resources }));
  },
  create_partitions: ({ topic, partitions }) =>
    done(admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })),
  delete_records: async ({ topic, places }) => {
    await admin.fetchTopicOffsets(topic); // kafkajs looks for leaders before it asks for them
    const partitions = Object.entries(places)
      .map(([p, offset]) => ({ partition: Number(p), offset: String(offset) }));
    return done(admin.deleteTopicRecords({ topic, partitions }));
  },
  list_groups: async () => (await admin.listGroups()).groups.map((g) => g.groupId),
  describe_group: async ({ group }) => {
    const [found] = (await admin.describeGroups([group])).groups;
    return [found.state, found.members.length];
  },
  delete_group: ({ group }) => done(admin.deleteGroups([group])),
  delete_topic: ({ topic }) => done(admin.deleteTopics({ topics: [topic] })),
};

async function main() {
  await zstd.init();
  await admin.connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const call = JSON.parse(line);
    let answer;
    try {
      answer = { ok: await calls[call.call](call) };
    } catch (error) {
      answer = error instanceof Unsupported ? { unsupported: error.message }
        : { error: [error.message, ...(error.errors ?? []).map((e) => e.message)].join("; ") };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit(0);
}

main();
