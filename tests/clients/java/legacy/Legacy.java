// Clients of before record batches (0.9: magic 0, 0.10.2: magic 1) against a cluster, and a client
// of today beside them: what one writes the other reads, record by record. Where the cluster's
// Kafka version has dropped their formats (KIP-896), that they are refused. Prints one JSON line
// per client and feature.
// Usage: Legacy NAME=CLASS PATH ... --bootstrap HOST:PORT,... --cluster-version VERSION
//        [--only FEATURE]

import java.io.File;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.function.BiFunction;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;

public class Legacy {
    static final long T0 = 1_700_000_000_000L;

    // An old client with what it keeps of a record.
    record Client(String name, ClassLoader loader, BiFunction<String, Object[], Object> calls,
        boolean hasTimes) {
        // Clients find classes by name through the thread's loader.
        @SuppressWarnings("unchecked")
        <T> T call(String what, Object... with) {
            var thread = Thread.currentThread();
            var before = thread.getContextClassLoader();
            thread.setContextClassLoader(loader);
            try {
                return (T) calls.apply(what, with);
            } finally {
                thread.setContextClassLoader(before);
            }
        }

        List<Long> produce(String topic, List<Object[]> records, Map<String, Object> options) {
            Map<String, Object> config =
                new HashMap<>(Map.of("bootstrap.servers", Contract.bootstrap, "linger.ms", 5,
                "acks", "all", "max.block.ms", 5000L, "request.timeout.ms", 5000));
            config.putAll(options);
            return call("produce", config, topic, records);
        }

        Map<String, Object> consumerConfig(Map<String, Object> options) {
            Map<String, Object> config =
                new HashMap<>(Map.of("bootstrap.servers", Contract.bootstrap,
                "auto.offset.reset", "earliest", "enable.auto.commit", false,
                "session.timeout.ms", 6000, "heartbeat.interval.ms", 1000,
                "request.timeout.ms", 8000, "fetch.max.wait.ms", 200));
            config.putAll(options);
            return config;
        }

        List<Object[]> consume(String topic, long from, int count, int seconds,
            Map<String, Object> options) {
            return call("consume", consumerConfig(options), topic, from, count, seconds);
        }

        List<Object[]> consume(String topic, long from, int count, Map<String, Object> options) {
            return consume(topic, from, count, 30, options);
        }

        List<Object[]> group(String group, String topic, int count) {
            return call("group", consumerConfig(Map.of("group.id", group)), topic, count);
        }

        // By this client's own count.
        Map<Integer, Long> lag(String group, String topic) {
            return call("lag", consumerConfig(Map.of("group.id", group)), topic);
        }
    }

    static List<Object[]> sample(int count, int partitions, String tag, int size) {
        return Contract.sample(count, partitions, tag, size).stream()
            .map(r -> new Object[] {r.partition(), null, r.timestamp(), null,
                Contract.Rec.bytes(r.key()), Contract.Rec.bytes(r.value())})
            .toList();
    }

    static String text(byte[] bytes) {
        return bytes == null ? "null" : new String(bytes, StandardCharsets.ISO_8859_1);
    }

    // Partition by partition: key, value, and time and its kind as they should be.
    static void same(List<Object[]> sent, List<Object[]> got, boolean hasTimes, String kind,
        long from) {
        Map<Object, Iterator<Object[]>> received = got.stream()
            .collect(Collectors.groupingBy(r -> r[0])).entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().iterator()));
        Map<Object, Long> next = new HashMap<>();
        for (Object[] one : sent) {
            long offset = next.merge(one[0], from, (before, start) -> before + 1);
            var rest = received.get(one[0]);
            Contract.verify(rest != null && rest.hasNext(),
                sent.size() + " sent, " + got.size() + " received");
            Object[] record = rest.next();
            Contract.verify(record[1].equals(offset), "offset " + record[1] + ", not " + offset);
            Contract.verify(Arrays.equals((byte[]) one[4], (byte[]) record[4])
                && Arrays.equals((byte[]) one[5], (byte[]) record[5]),
                "sent " + text((byte[]) one[4]) + ", received " + text((byte[]) record[4]));
            Contract.verify(kind.equals(record[3]), "its time is " + record[3] + ", not " + kind);
            if (!kind.equals("LogAppendTime"))
                Contract.verify(record[2].equals(hasTimes ? one[2] : (Object) (-1L)),
                    "sent at " + one[2] + ", received as " + record[2]);
            else
                Contract.verify(Math.abs((Long) record[2] - System.currentTimeMillis()) < 600_000,
                    "appended at " + record[2]);
        }
        Contract.verify(got.size() == sent.size(),
            sent.size() + " sent, " + got.size() + " received");
    }

    static List<Object[]> consumeNow(String topic, int count) throws Exception {
        return Contract.consume(topic, count, null).stream().map(r -> {
            Contract.verify(!r.headers().iterator().hasNext(), "an old record has no headers");
            return new Object[] {r.partition(), r.offset(), r.timestamp(),
                r.timestampType().toString(), r.key(), r.value()};
        }).toList();
    }

    static List<Object[]> rows(List<Contract.Rec> records) {
        return records.stream()
            .map(r -> new Object[] {r.partition(), null, r.timestamp(), null,
            Contract.Rec.bytes(r.key()),
            Contract.Rec.bytes(r.value())}).toList();
    }

    static void codec(Client old, String codec) throws Exception {
        String topic = Contract.fresh("old-" + codec);
        Contract.create(topic, 3, Map.of());
        var sent = new ArrayList<>(sample(300, 3, codec, 100));
        sent.add(new Object[] {0, null, T0, null, null, new byte[0]});
        sent.add(new Object[] {1, null, T0, null, "tombstone".getBytes(), null});
        sent.add(new Object[] {2, null, T0, null, new byte[0], "x".repeat(400_000).getBytes()});
        var offsets = old.produce(topic, sent, Map.of("compression.type", codec));
        for (int i = 0; i < sent.size(); i++)
            Contract.verify(offsets.get(i) == i / 3,
                "acknowledgement " + i + " says offset " + offsets.get(i));
        same(sent, old.consume(topic, 0, sent.size(), Map.of()), old.hasTimes,
            old.hasTimes ? "CreateTime" : "NoTimestampType", 0);
        same(sent, consumeNow(topic, sent.size()), old.hasTimes, "CreateTime", 0);
    }

    // Records of a current client (with headers, idempotent, in many batches), read by the old one
    // from any offset.
    static void readsToday(Client old, String codec) throws Exception {
        String topic = Contract.fresh("new-" + codec);
        Contract.create(topic, 1, Map.of());
        var sent = Contract.sample(500, 1, codec, 200);
        Contract.produce(topic, sent,
            Map.of("compression.type", codec, "enable.idempotence", true, "batch.size", 4000));
        String kind = old.hasTimes ? "CreateTime" : "NoTimestampType";
        for (long from : new long[] {0, 1, 257, 499})
            same(rows(sent.subList((int) from, 500)),
                old.consume(topic, from, 500 - (int) from, Map.of()), old.hasTimes, kind, from);
        // The smallest fetch still makes progress.
        same(rows(sent.subList(400, 500)),
            old.consume(topic, 400, 100, Map.of("max.partition.fetch.bytes", 64)),
            old.hasTimes, kind, 400);
    }

    // Neither client knows both codes. One that is new to it it takes for an unknown error, which
    // it only logs; the other ends the poll. Either way no record comes.
    static void refusedRead(Client old, String topic, String known) {
        try {
            var got = old.consume(topic, 0, 1, 2, Map.of());
            Contract.verify(got.isEmpty(),
                got.size() + " records of a partition that is to be refused");
            Contract.verify(!old.name.endsWith(known), "the refusal did not end the poll");
        } catch (RuntimeException e) {
            Contract.verify(old.name.endsWith(known)
                && e.getMessage().matches("IllegalStateException: Unexpected error code 35 .*"),
                e.toString());
        }
    }

    static void zstd(Client old) throws Exception {
        String topic = Contract.fresh("new-zstd");
        Contract.create(topic, 1, Map.of());
        Contract.produce(topic, Contract.sample(10, 1, "z", 100),
            Map.of("compression.type", "zstd"));
        refusedRead(old, topic, "none of them");
    }

    static void noConversion(Client old) throws Exception {
        String topic = Contract.fresh("new-only");
        Contract.create(topic, 1, Map.of("message.downconversion.enable", "false"));
        var sent = sample(10, 1, "n", 100);
        old.produce(topic, sent, Map.of());
        refusedRead(old, topic, " 0.10.2.2");
        same(sent, consumeNow(topic, 10), old.hasTimes, "CreateTime", 0);
    }

    static void appendTime(Client old) throws Exception {
        for (String codec : List.of("none", "gzip")) {
            String topic = Contract.fresh("append-time");
            Contract.create(topic, 1, Map.of("message.timestamp.type", "LogAppendTime"));
            var sent = sample(50, 1, "t", 100);
            old.produce(topic, sent, Map.of("compression.type", codec));
            same(sent, old.consume(topic, 0, 50, Map.of()), old.hasTimes,
                old.hasTimes ? "LogAppendTime" : "NoTimestampType", 0);
            same(sent, consumeNow(topic, 50), true, "LogAppendTime", 0);
        }
    }

    static void group(Client old) throws Exception {
        String topic = Contract.fresh("old-group"), group = Contract.fresh("old-group");
        Contract.create(topic, 2, Map.of());
        var sent = sample(200, 2, "g", 100);
        String kind = old.hasTimes ? "CreateTime" : "NoTimestampType";
        old.produce(topic, sent.subList(0, 100), Map.of());
        same(sent.subList(0, 100), old.group(group, topic, 100), old.hasTimes, kind, 0);
        var committed = Contract.committed(group);
        Contract.verify(committed.equals(Map.of(0, 50L, 1, 50L)), "committed: " + committed);
        old.produce(topic, sent.subList(100, 200), Map.of());
        for (var lag : List.of(old.lag(group, topic), Contract.lag(group, topic)))
            Contract.verify(lag.equals(Map.of(0, 50L, 1, 50L)), "the group's lag is " + lag);
        same(sent.subList(100, 200), old.group(group, topic, 100), old.hasTimes, kind, 50);
        var rest = old.lag(group, topic);
        Contract.verify(rest.equals(Map.of(0, 0L, 1, 0L)), "the group's lag at the end is " + rest);
    }

    // Records of both clients, written while the old one waits at the end of the log.
    static void tail(Client old) throws Exception {
        String topic = Contract.fresh("old-tail");
        Contract.create(topic, 1, Map.of());
        old.produce(topic, sample(200, 1, "before", 100), Map.of());
        // Nothing keeps the member in its group while it is not polled.
        var config =
            old.consumerConfig(Map.of("group.id", Contract.fresh("old-tail"),
            "auto.offset.reset", "latest",
            "session.timeout.ms", 40_000, "request.timeout.ms", 50_000));
        var sent = Contract.sample(50, 1, "after", 100);
        List<Object[]> got;
        try (AutoCloseable consumer = old.call("tail", config, topic, 200L)) {
            old.produce(topic, rows(sent.subList(0, 25)), Map.of());
            Contract.produce(topic, sent.subList(25, 50), Map.of("enable.idempotence", true));
            got = old.call("take", consumer, 50);
        }
        same(rows(sent), got, old.hasTimes, old.hasTimes ? "CreateTime" : "NoTimestampType", 200);
    }

    static void seekTime(Client old) throws Exception {
        if (!old.hasTimes) throw new Contract.NotOffered("this client does not ask for it");
        String topic = Contract.fresh("old-time");
        Contract.create(topic, 1, Map.of());
        old.produce(topic, sample(100, 1, "t", 100), Map.of("compression.type", "lz4"));
        Long found = old.call("time", old.consumerConfig(Map.of()), topic, T0 + 41_500);
        Contract.verify(found == 42, "the first record after 41.5 s is " + found);
    }

    // Metadata and what it may produce it is still told, as librdkafka needs it; then its
    // connection is closed.
    static void refused(Client old) throws Exception {
        String topic = Contract.fresh("refused");
        Contract.create(topic, 1, Map.of());
        try {
            old.produce(topic, sample(1, 1, "r", 10), Map.of());
            throw new AssertionError(
                "a cluster of " + Contract.cluster + " took what Kafka 4.0 refuses");
        } catch (RuntimeException e) {
            Contract.verify(e.getMessage()
                .matches("(?s)(NetworkException|UnsupportedVersionException|TimeoutException): .*"),
                e.toString());
        }
        var place = new TopicPartition(topic, 0);
        try (var consumer = Contract.consumer(Map.of())) {
            Contract.verify(consumer.endOffsets(List.of(place)).get(place) == 0,
                "the log is empty");
        }
    }

    static Map<String, Contract.Check> features(Client old) {
        Map<String, Contract.Check> features = new LinkedHashMap<>();
        if (Contract.cluster.startsWith("4.")) {
            features.put("old formats: refused since Kafka 4.0", () -> refused(old));
            return features;
        }
        var codecs = List.of("none", "gzip", "snappy", "lz4");
        for (String c : codecs) features.put("codec: " + c, () -> codec(old, c));
        features.put("consume from the tail", () -> tail(old));
        features.put("commit, lag and resume", () -> group(old));
        features.put("seek by time", () -> seekTime(old));
        for (String c : codecs)
            features.put("old formats: reads new batches, " + c, () -> readsToday(old, c));
        features.put("old formats: zstd is refused", () -> zstd(old));
        features.put("old formats: message.downconversion.enable=false", () -> noConversion(old));
        features.put("old formats: log append time", () -> appendTime(old));
        return features;
    }

    @SuppressWarnings("unchecked")
    public static void main(String[] args) throws Exception {
        List<String> clients = new ArrayList<>();
        String only = "";
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--bootstrap" -> Contract.bootstrap = args[++i];
                case "--cluster-version" -> Contract.cluster = args[++i];
                case "--only" -> only = args[++i];
                default -> clients.add(args[i]);
            }
        }
        Contract.admin = Admin.create(Map.of("bootstrap.servers", Contract.bootstrap));
        boolean failed = false;
        for (String client : clients) {
            String[] parts = client.split("=", 2);
            List<URL> urls = new ArrayList<>();
            for (String place : parts[1].split(":"))
                for (File file : place.endsWith("/*")
                    ? new File(place.substring(0, place.length() - 2)).listFiles()
                    : new File[] {new File(place)})
                    urls.add(file.toURI().toURL());
            var loader = new URLClassLoader(urls.toArray(URL[]::new),
                ClassLoader.getPlatformClassLoader());
            var calls = (BiFunction<String, Object[], Object>) loader.loadClass("OldClient")
                .getConstructor().newInstance();
            var old = new Client(parts[0], loader, calls, !parts[0].endsWith(" 0.9.0.1"));
            for (var entry : features(old).entrySet())
                if (entry.getKey().contains(only))
                    failed |= !Contract.report(old.name, entry.getKey(), entry.getValue());
        }
        System.out.flush();
        Runtime.getRuntime().halt(failed ? 1 : 0);
    }
}
