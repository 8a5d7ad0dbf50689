// Apache Kafka's own Java client against a cluster: the features of
// tests/clients/python/contract.py, written with nothing but kafka-clients. Prints one JSON line
// per feature. Differences between releases of kafka-clients are in `Api`, of which versions/ has
// one for each.
// Usage: Contract BOOTSTRAP [ONLY] [--cluster-version VERSION]
//        Contract BOOTSTRAP --member GROUP TOPIC   (a group member that runs until it is killed)

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.*;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.AppInfoParser;

public class Contract {
    static final long T0 = 1_700_000_000_000L;
    static String bootstrap;
    // The cluster's Kafka version, as MSK names it.
    static String cluster = "";
    static Admin admin;

    interface Check { void run() throws Exception; }

    // A request that this client cannot send, or that this Kafka version does not support, neither
    // in Milena nor in Apache Kafka.
    static class NotOffered extends Exception {
        NotOffered(String why) {
            super(why);
        }
    }

    static void verify(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static String fresh(String prefix) {
        return prefix + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    static void until(Callable<Boolean> condition, String what, int seconds) throws Exception {
        long deadline = System.nanoTime() + seconds * 1_000_000_000L;
        while (!condition.call()) {
            verify(System.nanoTime() < deadline, "not within " + seconds + " s: " + what);
            Thread.sleep(50);
        }
    }

    // A record by content, so that what went in and what came out compare.
    record Rec(int partition, String key, String value, List<String> headers, long timestamp) {
        static String text(byte[] bytes) {
            return bytes == null ? null : new String(bytes, StandardCharsets.ISO_8859_1);
        }

        static byte[] bytes(String text) {
            return text == null ? null : text.getBytes(StandardCharsets.ISO_8859_1);
        }

        static Rec of(ConsumerRecord<byte[], byte[]> r) {
            List<String> headers = new ArrayList<>();
            for (Header h : r.headers()) headers.add(h.key() + "=" + text(h.value()));
            return new Rec(r.partition(), text(r.key()), text(r.value()), headers, r.timestamp());
        }

        ProducerRecord<byte[], byte[]> to(String topic) {
            List<Header> list = headers.stream().map(h -> h.split("=", 2))
                .map(h -> (Header) new RecordHeader(h[0], bytes(h[1]))).toList();
            return new ProducerRecord<>(topic, partition, timestamp, bytes(key),
                bytes(value), list);
        }
    }

    static List<Rec> sample(int count, int partitions, String tag, int size) {
        List<Rec> result = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String value = (tag + "-value-" + i + "-").repeat(size / 8 + 1).substring(0, size);
            result.add(new Rec(i % partitions, tag + "-key-" + i, value,
                List.of("n=" + i, "tag=" + tag), T0 + i * 1000L));
        }
        return result;
    }

    static Map<Integer, List<Rec>> byPartition(Collection<Rec> records) {
        return records.stream()
            .collect(Collectors.groupingBy(Rec::partition, TreeMap::new, Collectors.toList()));
    }

    static void same(List<Rec> sent, List<ConsumerRecord<byte[], byte[]>> got, String what) {
        Map<Integer, Long> last = new HashMap<>();
        for (var r : got) {
            Long before = last.put(r.partition(), r.offset());
            verify(before == null || r.offset() == before + 1,
                what + ": offset " + r.offset() + " after " + before);
        }
        var received = byPartition(got.stream().map(Rec::of).toList());
        byPartition(sent).forEach((partition, expected) -> {
            var actual = received.getOrDefault(partition, List.of());
            verify(expected.size() == actual.size(),
                what + ": " + expected.size() + " sent, " + actual.size()
                + " received in partition " + partition);
            for (int i = 0; i < expected.size(); i++)
                verify(expected.get(i).equals(actual.get(i)),
                    what + ": sent " + expected.get(i) + ", received " + actual.get(i));
        });
    }

    static List<Long> produce(String topic, List<Rec> records,
        Map<String, Object> options) throws Exception {
        Map<String, Object> config =
            new HashMap<>(Map.of("bootstrap.servers", bootstrap, "linger.ms", 5,
            "enable.idempotence", false));
        config.putAll(options);
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        List<Long> offsets = new ArrayList<>();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(),
            new ByteArraySerializer())) {
            for (Rec r : records) futures.add(producer.send(r.to(topic)));
            producer.flush();
            for (var f : futures) offsets.add(f.get(30, TimeUnit.SECONDS).offset());
        }
        return offsets;
    }

    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> options) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap,
            "auto.offset.reset", "earliest", "enable.auto.commit", false));
        config.putAll(options);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    }

    static List<ConsumerRecord<byte[], byte[]>> consume(String topic, int count,
        Long from) throws Exception {
        // It closes once its last fetch is answered, which waits for more.
        try (var consumer = consumer(Map.of("fetch.max.wait.ms", 50))) {
            var places = consumer.partitionsFor(topic).stream()
                .map(p -> new TopicPartition(topic, p.partition())).toList();
            consumer.assign(places);
            if (from == null) consumer.seekToBeginning(places);
            else for (var p : places) consumer.seek(p, from);
            List<ConsumerRecord<byte[], byte[]>> got = new ArrayList<>();
            until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(got::add);
                return got.size() >= count;
            }, count + " records", 30);
            return got;
        }
    }

    // A group member in a thread of its own, as applications run them.
    static class Member implements AutoCloseable {
        final KafkaConsumer<byte[], byte[]> consumer;
        final BlockingQueue<ConsumerRecord<byte[], byte[]>> records = new LinkedBlockingQueue<>();
        final BlockingQueue<Runnable> calls = new LinkedBlockingQueue<>();
        final Thread thread;
        volatile Set<Integer> assigned = Set.of();
        volatile boolean leaving;

        Member(String group, String topic, Map<String, Object> options) {
            Map<String, Object> config =
                new HashMap<>(Map.of("group.id", group, "session.timeout.ms", 6000,
                "heartbeat.interval.ms", 500, "metadata.max.age.ms", 2000));
            config.putAll(options);
            consumer = consumer(config);
            consumer.subscribe(List.of(topic));
            thread = new Thread(this::work);
            thread.setDaemon(true);
            thread.start();
        }

        void work() {
            while (!leaving) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                assigned = consumer.assignment().stream().map(TopicPartition::partition)
                    .collect(Collectors.toSet());
                for (Runnable call; (call = calls.poll()) != null; ) call.run();
            }
            consumer.close();
        }

        // A consumer belongs to its thread: what is asked of it is asked there.
        <T> T ask(Callable<T> call) throws Exception {
            var answer = new CompletableFuture<T>();
            calls.add(() -> {
                try {
                    answer.complete(call.call());
                } catch (Exception e) {
                    answer.completeExceptionally(e);
                }
            });
            return answer.get(30, TimeUnit.SECONDS);
        }

        void commit() throws Exception {
            ask(() -> {
                consumer.commitSync();
                return null;
            });
        }

        List<ConsumerRecord<byte[], byte[]>> take(int count) throws Exception {
            List<ConsumerRecord<byte[], byte[]>> got = new ArrayList<>();
            until(() -> {
                records.drainTo(got);
                return got.size() >= count;
            }, count + " records in the group", 40);
            return got;
        }

        @Override
        public void close() throws Exception {
            leaving = true;
            thread.join(30_000);
        }
    }

    static void settled(int partitions, String what, Member... members) throws Exception {
        until(() -> {
            Set<Integer> all = new HashSet<>();
            int sum = 0;
            for (var m : members) {
                if (m.assigned.isEmpty()) return false;
                all.addAll(m.assigned);
                sum += m.assigned.size();
            }
            return all.size() == partitions && sum == partitions;
        }, what, 60);
    }

    static void create(String topic, int partitions, Map<String, String> configs) throws Exception {
        admin.createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty())
            .configs(configs))).all().get();
    }

    static int partitions(String topic) throws Exception {
        try {
            return Api.topic(admin, topic).partitions().size();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) return 0;
            throw e;
        }
    }

    static void createTopics() throws Exception {
        String topic = fresh("create");
        create(topic, 3, Map.of("retention.ms", "3600000"));
        until(() -> partitions(topic) == 3, "the new topic has 3 partitions", 30);
        try {
            create(topic, 3, Map.of());
            throw new AssertionError("creating the same topic twice was accepted");
        } catch (ExecutionException e) {
            verify(e.getCause() instanceof TopicExistsException, e.toString());
        }
    }

    static void codec(String codec) throws Exception {
        String topic = fresh(codec);
        create(topic, 3, Map.of());
        var sent = sample(300, 3, codec, 100);
        produce(topic, sent, Map.of("compression.type", codec));
        same(sent, consume(topic, 300, null), codec);
    }

    static void shapes() throws Exception {
        String topic = fresh("shapes");
        create(topic, 1, Map.of());
        var sent = List.of(
            new Rec(0, null, "", List.of(), T0),
            new Rec(0, "tombstone", null, List.of(), T0 + 5),
            new Rec(0, "", "v", List.of("h=1", "h=2", "empty="), T0 - 7),
            new Rec(0, "large", "x".repeat(500_000), List.of(), T0 + 9));
        produce(topic, sent, Map.of());
        same(sent, consume(topic, sent.size(), null), "shapes");
    }

    static void acks(String acks) throws Exception {
        String topic = fresh("acks-" + acks);
        create(topic, 2, Map.of());
        var sent = sample(200, 2, "acks" + acks, 100);
        var offsets = produce(topic, sent, Map.of("acks", acks));
        if (!acks.equals("0"))
            for (int i = 0; i < 200; i++)
                verify(offsets.get(i) == i / 2, "ack " + i + " says offset " + offsets.get(i));
        same(sent, consume(topic, 200, null), "acks=" + acks);
    }

    static void idempotence() throws Exception {
        String topic = fresh("idempotent");
        create(topic, 3, Map.of());
        var sent = sample(3000, 3, "idempotent", 100);
        produce(topic, sent, Map.of("enable.idempotence", true, "batch.size", 1000));
        same(sent, consume(topic, 3000, null), "idempotence");
    }

    static void consumeAlone() throws Exception {
        String topic = fresh("alone");
        create(topic, 3, Map.of());
        var sent = sample(5000, 3, "alone", 1000);
        produce(topic, sent, Map.of());
        same(sent, consume(topic, 5000, null), "consume");
        try (var consumer = consumer(Map.of())) {
            var ends = consumer.endOffsets(
                List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 2)));
            verify(ends.get(new TopicPartition(topic, 0)) == 1667
                && ends.get(new TopicPartition(topic, 2)) == 1666, ends.toString());
        }
    }

    static void consumeTail() throws Exception {
        String topic = fresh("tail"), group = fresh("tail");
        create(topic, 1, Map.of());
        produce(topic, sample(200, 1, "before", 100), Map.of());
        var member = new Member(group, topic, Map.of("auto.offset.reset", "latest"));
        settled(1, "the member has the partition", member);
        long tail = member.ask(() -> member.consumer.position(new TopicPartition(topic, 0)));
        verify(tail == 200, "the member starts at " + tail);
        var sent = sample(50, 1, "after", 100);
        produce(topic, sent, Map.of());
        var got = member.take(50);
        member.close();
        verify(got.get(0).offset() == 200, "the first record has offset " + got.get(0).offset());
        same(sent, got, "after the start");
    }

    static void groupRebalance(Map<String, Object> options) throws Exception {
        String topic = fresh("group"), group = fresh("group");
        create(topic, 4, Map.of());
        var first = new Member(group, topic, options);
        settled(4, "one member has all four partitions", first);
        var one = sample(400, 4, "one", 100);
        produce(topic, one, Map.of());
        same(one, first.take(400), "one member");
        first.commit();
        var second = new Member(group, topic, options);
        settled(4, "two members share four partitions", first, second);
        var two = sample(400, 4, "two", 100);
        produce(topic, two, Map.of());
        List<ConsumerRecord<byte[], byte[]>> got = new ArrayList<>();
        until(() -> {
            first.records.drainTo(got);
            second.records.drainTo(got);
            return got.size() >= 400;
        }, "400 records by two members", 40);
        same(two, got, "two members");
        first.commit();
        second.commit();
        second.close();
        settled(4, "the remaining member has all four partitions again", first);
        var three = sample(40, 4, "three", 100);
        produce(topic, three, Map.of());
        same(three, first.take(40), "after the leave");
        first.close();
    }

    static void staticMember() throws Exception {
        String topic = fresh("static"), group = fresh("static");
        create(topic, 4, Map.of());
        Function<String, Map<String, Object>> options =
            id -> Map.of("group.instance.id", id, "session.timeout.ms", 30000);
        var first = new Member(group, topic, options.apply("a"));
        var second = new Member(group, topic, options.apply("b"));
        settled(4, "two static members share four partitions", first, second);
        var share = second.assigned;
        second.close();
        var again = new Member(group, topic, options.apply("b"));
        settled(4, "the static member is back", first, again);
        verify(again.assigned.equals(share), "it had " + share + " and now has " + again.assigned);
        first.close();
        again.close();
    }

    static void groupCrash() throws Exception {
        String topic = fresh("crash"), group = fresh("crash");
        create(topic, 4, Map.of());
        var first = new Member(group, topic, Map.of());
        settled(4, "one member has all four partitions", first);
        var command = List.of(System.getProperty("java.home") + "/bin/java", "-cp",
            System.getProperty("java.class.path"),
            "Contract", bootstrap, "--member", group, topic);
        Process child = new ProcessBuilder(command).redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        try {
            until(() -> first.assigned.size() == 2, "the second process took two partitions", 60);
        } finally {
            child.destroyForcibly().waitFor();
        }
        settled(4, "the partitions of the killed member come back", first);
        var sent = sample(40, 4, "crash", 100);
        produce(topic, sent, Map.of());
        same(sent, first.take(40), "after the crash");
        first.close();
    }

    static Map<Integer, Long> committed(String group) throws Exception {
        return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
            .entrySet().stream()
            .collect(Collectors.toMap(e -> e.getKey().partition(), e -> e.getValue().offset()));
    }

    // How many records of each partition the group has yet to commit, as its tools count them.
    static Map<Integer, Long> lag(String group, String topic) throws Exception {
        Map<Integer, Long> result = new HashMap<>();
        for (var place : committed(group).entrySet()) {
            var partition = new TopicPartition(topic, place.getKey());
            long end = admin.listOffsets(Map.of(partition, OffsetSpec.latest()))
                .partitionResult(partition).get().offset();
            result.put(place.getKey(), end - place.getValue());
        }
        return result;
    }

    static void commitResume() throws Exception {
        String topic = fresh("resume"), group = fresh("resume");
        create(topic, 2, Map.of());
        var sent = sample(200, 2, "resume", 100);
        produce(topic, sent.subList(0, 100), Map.of());
        var member = new Member(group, topic, Map.of());
        var got = new ArrayList<>(member.take(100));
        member.commit();
        member.close();
        var committed = committed(group);
        verify(committed.equals(Map.of(0, 50L, 1, 50L)), "committed: " + committed);
        produce(topic, sent.subList(100, 200), Map.of());
        var lag = lag(group, topic);
        verify(lag.equals(Map.of(0, 50L, 1, 50L)), "the group's lag is " + lag);
        member = new Member(group, topic, Map.of());
        got.addAll(member.take(100));
        member.close();
        same(sent, got, "commit and resume");
    }

    static void seekOffset() throws Exception {
        String topic = fresh("seek");
        create(topic, 1, Map.of());
        var sent = sample(1000, 1, "seek", 100);
        produce(topic, sent, Map.of());
        for (int start : new int[] {0, 1, 499, 999}) {
            var got = consume(topic, 1000 - start, (long) start);
            verify(got.get(0).offset() == start,
                "asked for " + start + ", got " + got.get(0).offset());
            same(sent.subList(start, 1000), got, "from " + start);
        }
    }

    static void seekTime() throws Exception {
        String topic = fresh("time");
        create(topic, 1, Map.of());
        produce(topic, sample(1000, 1, "time", 100), Map.of("compression.type", "lz4"));
        var place = new TopicPartition(topic, 0);
        try (var consumer = consumer(Map.of())) {
            var cases = new long[][] {{-1, 0}, {0, 0}, {1, 1}, {500_000, 500}, {999_000, 999}};
            for (long[] c : cases) {
                var found = consumer.offsetsForTimes(Map.of(place, T0 + c[0])).get(place);
                verify(found.offset() == c[1], "time " + c[0] + ": " + found);
                verify(found.timestamp() == T0 + c[1] * 1000, "time " + c[0] + ": " + found);
            }
            verify(consumer.offsetsForTimes(Map.of(place, T0 + 999_001)).get(place) == null,
                "after the last record");
        }
    }

    // KIP-734: from Kafka 3.0 on.
    static void largestTimestamp() throws Exception {
        var spec = Api.maxTimestamp();
        if (spec == null) throw new NotOffered("this client does not ask for it");
        String topic = fresh("latest");
        create(topic, 1, Map.of());
        var sent = List.of(new Rec(0, null, "a", List.of(), T0),
            new Rec(0, null, "b", List.of(), T0 + 9),
            new Rec(0, null, "c", List.of(), T0 + 4));
        produce(topic, sent, Map.of());
        var place = new TopicPartition(topic, 0);
        try {
            var max = admin.listOffsets(Map.of(place, spec)).partitionResult(place).get();
            verify(max.offset() == 1 && max.timestamp() == T0 + 9,
                "the largest timestamp is at " + max.offset());
            verify(!cluster.startsWith("2."),
                "a cluster of " + cluster + " answered what came with 3.0");
        } catch (ExecutionException e) {
            verify(cluster.startsWith("2.") && e.getCause() instanceof UnsupportedVersionException,
                e.toString());
            throw new NotOffered("UnsupportedVersionException: needs Kafka 3.0");
        }
    }

    static String config(String topic, String name) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name).value();
    }

    static void configs() throws Exception {
        String topic = fresh("configs");
        create(topic, 1, Map.of("retention.ms", "7200000"));
        verify(config(topic, "retention.ms").equals("7200000"), config(topic, "retention.ms"));
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET),
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"),
            AlterConfigOp.OpType.APPEND)))).all().get();
        until(() -> config(topic, "retention.ms").equals("3600000"), "the altered retention", 30);
        verify(config(topic, "cleanup.policy").equals("delete,compact"),
            config(topic, "cleanup.policy"));
        admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", null), AlterConfigOp.OpType.DELETE))))
            .all().get();
        until(() -> config(topic, "retention.ms").equals("604800000"),
            "the default retention again", 30);
        try {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(
                new AlterConfigOp(new ConfigEntry("retention.ms", "soon"),
                AlterConfigOp.OpType.SET)))).all().get();
            throw new AssertionError("a retention of 'soon' was accepted");
        } catch (ExecutionException e) {
            verify(e.getCause() instanceof InvalidConfigurationException, e.toString());
        }
    }

    static void createPartitions() throws Exception {
        String topic = fresh("grow");
        create(topic, 2, Map.of());
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
        until(() -> partitions(topic) == 5, "the topic has five partitions", 30);
        var sent = sample(50, 5, "grow", 100);
        produce(topic, sent, Map.of());
        same(sent, consume(topic, 50, null), "new partitions");
    }

    static void deleteRecords() throws Exception {
        String topic = fresh("trim");
        create(topic, 1, Map.of());
        var sent = sample(100, 1, "trim", 100);
        produce(topic, sent, Map.of());
        var place = new TopicPartition(topic, 0);
        long low = admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(60)))
            .lowWatermarks().get(place).get().lowWatermark();
        verify(low == 60, "the low watermark is " + low);
        try (var consumer = consumer(Map.of())) {
            verify(consumer.beginningOffsets(List.of(place)).get(place) == 60,
                "the log starts at 60");
        }
        same(sent.subList(60, 100), consume(topic, 40, 60L), "after delete records");
    }

    static void groups() throws Exception {
        String topic = fresh("groups"), group = fresh("groups");
        create(topic, 2, Map.of());
        var member = new Member(group, topic, Map.of());
        settled(2, "the member has both partitions", member);
        member.commit();
        verify(Api.groups(admin).contains(group), "the group is listed");
        var found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        verify(Api.state(found).equals("STABLE") && found.members().size() == 1, found.toString());
        member.close();
        until(() -> Api.state(admin.describeConsumerGroups(List.of(group)).all().get().get(group))
            .equals("EMPTY"),
            "the group is empty", 30);
    }

    static void deleteGroup() throws Exception {
        String topic = fresh("groups"), group = fresh("groups");
        create(topic, 1, Map.of());
        produce(topic, sample(10, 1, "groups", 100), Map.of());
        var member = new Member(group, topic, Map.of());
        member.take(10);
        member.commit();
        try {
            admin.deleteConsumerGroups(List.of(group)).all().get();
            throw new AssertionError("a group with a member was deleted");
        } catch (ExecutionException e) {
            verify(e.getCause() instanceof GroupNotEmptyException, e.toString());
        }
        member.close();
        var place = new TopicPartition(topic, 0);
        admin.deleteConsumerGroupOffsets(group, Set.of(place)).all().get();
        admin.deleteConsumerGroups(List.of(group)).all().get();
        until(() -> !Api.groups(admin).contains(group), "the group is gone", 30);
    }

    static void deleteTopic() throws Exception {
        String topic = fresh("delete");
        create(topic, 1, Map.of());
        produce(topic, sample(10, 1, "delete", 100), Map.of());
        admin.deleteTopics(List.of(topic)).all().get();
        until(() -> partitions(topic) == 0, "the topic is gone", 30);
        create(topic, 2, Map.of());
        var sent = sample(20, 2, "again", 100);
        produce(topic, sent, Map.of());
        same(sent, consume(topic, 20, null), "the topic made again");
    }

    static void describeCluster() throws Exception {
        var cluster = admin.describeCluster();
        verify(!cluster.nodes().get().isEmpty() && cluster.clusterId().get() != null
            && cluster.controller().get() != null,
            "nodes, cluster id and controller");
        for (var node : cluster.nodes().get())
            verify(node.hasRack(), "broker " + node + " names its rack");
        var dirs = admin.describeLogDirs(cluster.nodes().get().stream().map(Node::id).toList())
            .allDescriptions().get();
        verify(dirs.size() == cluster.nodes().get().size(), "log directories of every broker");
    }

    // Runs a check and prints its line; answers whether it did not fail.
    static boolean report(String client, String feature, Check check) {
        String result = "pass", detail = "";
        long started = System.nanoTime();
        try {
            check.run();
        } catch (NotOffered e) {
            result = "n/a";
            detail = e.getMessage();
        } catch (Throwable e) {
            result = "fail";
            detail = String.valueOf(e).replace("\\", "\\\\").replace("\"", "'")
                .replaceAll("\\p{Cntrl}", " ");
            detail = detail.substring(0, Math.min(2000, detail.length()));
            e.printStackTrace();
        }
        System.out.printf(Locale.ROOT,
            "{\"client\": \"%s\", \"feature\": \"%s\", \"result\": \"%s\", "
                + "\"detail\": \"%s\", \"seconds\": %.2f}%n",
            client, feature, result, detail, (System.nanoTime() - started) / 1e9);
        return !result.equals("fail");
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        if (args.length > 1 && args[1].equals("--member")) {
            new Member(args[2], args[3], Map.of());
            Thread.sleep(120_000);
            System.exit(0);
        }
        String only = "";
        for (int i = 1; i < args.length; i++) {
            if (args[i].equals("--cluster-version")) cluster = args[++i];
            else only = args[i];
        }
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
        Map<String, Check> features = new LinkedHashMap<>();
        features.put("topics: create", Contract::createTopics);
        for (String c : List.of("none", "gzip", "snappy", "lz4", "zstd"))
            features.put("codec: " + c, () -> codec(c));
        features.put("keys, headers, timestamps", Contract::shapes);
        for (String a : List.of("0", "1", "all")) features.put("acks: " + a, () -> acks(a));
        features.put("idempotence", Contract::idempotence);
        features.put("consume alone", Contract::consumeAlone);
        features.put("consume from the tail", Contract::consumeTail);
        features.put("group: join and leave", () -> groupRebalance(Map.of()));
        features.put("group: cooperative rebalancing",
            () -> groupRebalance(Map.of("partition.assignment.strategy",
            "org.apache.kafka.clients.consumer.CooperativeStickyAssignor")));
        features.put("group: static members", Contract::staticMember);
        features.put("group: crash of a member", Contract::groupCrash);
        features.put("commit, lag and resume", Contract::commitResume);
        features.put("seek by offset", Contract::seekOffset);
        features.put("seek by time", Contract::seekTime);
        features.put("seek to the largest timestamp", Contract::largestTimestamp);
        features.put("admin: configs", Contract::configs);
        features.put("admin: create partitions", Contract::createPartitions);
        features.put("admin: delete records", Contract::deleteRecords);
        features.put("admin: groups", Contract::groups);
        features.put("admin: delete a group", Contract::deleteGroup);
        features.put("admin: cluster and log directories", Contract::describeCluster);
        features.put("topics: delete", Contract::deleteTopic);
        boolean failed = false;
        for (var entry : features.entrySet()) {
            if (entry.getKey().contains(only))
                failed |= !report("kafka-clients " + AppInfoParser.getVersion(), entry.getKey(),
                    entry.getValue());
        }
        System.out.flush();
        Runtime.getRuntime().halt(failed ? 1 : 0);
    }
}
