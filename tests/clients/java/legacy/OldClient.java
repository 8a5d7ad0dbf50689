// Kafka clients from before record batches, driven by Legacy through types of the JDK alone, so
// that several of their versions fit into one process, each behind a class loader of its own. Compiled
// against each of them; what differs is in `Old`. A record is an array: partition, offset, time,
// kind of time, key, value.

import java.util.*;
import java.util.concurrent.*;
import java.util.function.BiFunction;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class OldClient implements BiFunction<String, Object[], Object> {
    @Override
    @SuppressWarnings("unchecked")
    public Object apply(String call, Object[] with) {
        try {
            return switch (call) {
                case "produce" -> produce((Map<String, Object>) with[0], (String) with[1],
                    (List<Object[]>) with[2]);
                case "consume" -> consume((Map<String, Object>) with[0], (String) with[1],
                    (Long) with[2], (Integer) with[3], (Integer) with[4]);
                case "group" -> group((Map<String, Object>) with[0], (String) with[1],
                    (Integer) with[2]);
                case "lag" -> lag((Map<String, Object>) with[0], (String) with[1]);
                case "tail" -> tail((Map<String, Object>) with[0], (String) with[1],
                    (Long) with[2]);
                case "take" -> take((KafkaConsumer<byte[], byte[]>) with[0], (Integer) with[1]);
                case "time" -> Old.offsetAt(consumer((Map<String, Object>) with[0]),
                    new TopicPartition((String) with[1], 0), (Long) with[2]);
                default -> throw new IllegalArgumentException(call);
            };
        } catch (Exception e) {
            // Its types are unknown outside: the name says it.
            Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
            throw new RuntimeException(
                cause.getClass().getSimpleName() + ": " + cause.getMessage());
        }
    }

    // The offsets that were acknowledged.
    static List<Long> produce(Map<String, Object> options, String topic,
        List<Object[]> records) throws Exception {
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        List<Long> offsets = new ArrayList<>();
        var producer = new KafkaProducer<>(options, new ByteArraySerializer(),
            new ByteArraySerializer());
        try {
            for (Object[] r : records)
                futures.add(producer.send(
                    Old.record(topic, (Integer) r[0], (Long) r[2], (byte[]) r[4], (byte[]) r[5])));
            producer.flush();
            for (var f : futures) offsets.add(f.get(30, TimeUnit.SECONDS).offset());
        } finally {
            producer.close(1, TimeUnit.SECONDS);
        }
        return offsets;
    }

    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> options) {
        return new KafkaConsumer<>(options, new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    }

    static void poll(KafkaConsumer<byte[], byte[]> consumer, List<Object[]> into) {
        for (var r : consumer.poll(200))
            into.add(new Object[] {r.partition(), r.offset(), Old.time(r), Old.kindOfTime(r),
                r.key(), r.value()});
    }

    static List<Object[]> consume(Map<String, Object> options, String topic, long from, int count,
        int seconds) {
        var consumer = consumer(options);
        try {
            List<TopicPartition> places = new ArrayList<>();
            for (var p : consumer.partitionsFor(topic))
                places.add(new TopicPartition(topic, p.partition()));
            consumer.assign(places);
            for (var place : places) consumer.seek(place, from);
            List<Object[]> got = new ArrayList<>();
            long deadline = System.nanoTime() + seconds * 1_000_000_000L;
            while (got.size() < count && System.nanoTime() < deadline) poll(consumer, got);
            return got;
        } finally {
            consumer.close();
        }
    }

    // Joins a group, takes a number of records, commits and leaves.
    static List<Object[]> group(Map<String, Object> options, String topic, int count) {
        var consumer = consumer(options);
        try {
            consumer.subscribe(List.of(topic));
            List<Object[]> got = new ArrayList<>();
            long deadline = System.nanoTime() + 30_000_000_000L;
            while (got.size() < count && System.nanoTime() < deadline) poll(consumer, got);
            consumer.commitSync();
            return got;
        } finally {
            consumer.close();
        }
    }

    // Per partition: its end less what the group has committed there.
    static Map<Integer, Long> lag(Map<String, Object> options, String topic) {
        var consumer = consumer(options);
        try {
            Map<Integer, Long> result = new HashMap<>();
            for (var p : consumer.partitionsFor(topic)) {
                var place = new TopicPartition(topic, p.partition());
                // In this order: 0.9 does not ask for what is committed once the partition is
                // assigned.
                long committed = consumer.committed(place).offset();
                result.put(p.partition(), Old.end(consumer, place) - committed);
            }
            return result;
        } finally {
            consumer.close();
        }
    }

    // A group member that has its partition and stands at this offset, where its policy of reset
    // put it.
    static KafkaConsumer<byte[], byte[]> tail(Map<String, Object> options, String topic,
        long expected) {
        var consumer = consumer(options);
        try {
            consumer.subscribe(List.of(topic));
            List<Object[]> early = new ArrayList<>();
            long deadline = System.nanoTime() + 30_000_000_000L;
            while (consumer.assignment().isEmpty() && System.nanoTime() < deadline)
                poll(consumer, early);
            long position = consumer.position(new TopicPartition(topic, 0));
            if (position != expected || !early.isEmpty())
                throw new IllegalStateException(
                    "it starts at " + position + " with " + early.size() + " records");
            return consumer;
        } catch (RuntimeException e) {
            consumer.close();
            throw e;
        }
    }

    static List<Object[]> take(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<Object[]> got = new ArrayList<>();
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (got.size() < count && System.nanoTime() < deadline) poll(consumer, got);
        return got;
    }
}
