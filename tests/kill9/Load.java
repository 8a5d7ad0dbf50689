// Load by Apache Kafka's Java client that writes down what it saw, for `check-history`: the same as
// load_confluent.py. Usage: Load BOOTSTRAP TOPIC CLIENT HISTORY; SIGTERM ends it after a flush.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

public class Load {
    static volatile boolean stopping;
    static PrintWriter history;

    static synchronized void note(String format, Object... fields) {
        history.printf(Locale.ROOT, format + "%n", fields);
    }

    static Map<String, Object> config(String bootstrap, Map<String, Object> more) {
        Map<String, Object> result =
            new HashMap<>(Map.of("bootstrap.servers", bootstrap, "reconnect.backoff.ms", 20,
            "reconnect.backoff.max.ms", 200, "retry.backoff.ms", 20, "retry.backoff.max.ms", 200));
        result.putAll(more);
        return result;
    }

    static void produce(String bootstrap, String topic, String client) {
        var producer = new KafkaProducer<byte[], String>(config(bootstrap, Map.of("linger.ms", 2,
            "delivery.timeout.ms", 300_000, "max.block.ms", 120_000)),
            new ByteArraySerializer(), new StringSerializer());
        int partitions = producer.partitionsFor(topic).size();
        for (long n = 0; !stopping; n++) {
            long id = n;
            int partition = (int) (n % partitions);
            note("{\"event\":\"sent\",\"client\":\"%s\",\"partition\":%d,\"id\":%d}", client,
                partition, id);
            producer.send(new ProducerRecord<>(topic, partition, null,
                client + ":" + id + "|" + "y".repeat((int) (id % 700))),
                (done, error) -> {
                    if (error == null)
                        note("{\"event\":\"acked\",\"client\":\"%s\",\"partition\":%d,"
                            + "\"id\":%d,\"offset\":%d}", client, done.partition(), id,
                            done.offset());
                });
            if (n % 4 == 3) java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
        }
        producer.close(Duration.ofSeconds(120));
    }

    static void consume(String bootstrap, String topic, String client) {
        String group = "group-" + client;
        var consumer = new KafkaConsumer<byte[], String>(config(bootstrap, Map.of("group.id", group,
            "enable.auto.commit", false, "auto.offset.reset", "earliest",
            "default.api.timeout.ms", 5000)),
            new ByteArrayDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(topic));
        Set<TopicPartition> places = new HashSet<>();
        long asked = 0;
        while (!stopping) {
            var records = consumer.poll(Duration.ofMillis(50));
            for (var r : records) {
                String[] value = r.value().split("[:|]", 3);
                note("{\"event\":\"read\",\"partition\":%d,\"offset\":%d,"
                    + "\"client\":\"%s\",\"id\":%s}", r.partition(), r.offset(), value[0],
                    value[1]);
            }
            try {
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                for (var p : records.partitions()) {
                    var list = records.records(p);
                    offsets.put(p, new OffsetAndMetadata(list.get(list.size() - 1).offset() + 1));
                }
                if (!offsets.isEmpty()) {
                    consumer.commitSync(offsets);
                    offsets.forEach((p, o) -> note("{\"event\":\"committed\",\"group\":\"%s\","
                        + "\"partition\":%d,\"offset\":%d}", group, p.partition(), o.offset()));
                }
                places.addAll(consumer.assignment());
                if (System.nanoTime() - asked > 300_000_000L) {
                    asked = System.nanoTime();
                    consumer.committed(places).forEach((p, o) -> note(
                        "{\"event\":\"resumed\",\"group\":\"%s\",\"partition\":%d,\"offset\":%d}",
                        group, p.partition(), o == null ? -1 : o.offset()));
                }
            } catch (KafkaException e) {
                // The cluster is down; whether the commit took place is not known, so nothing is
                // noted.
            }
        }
        consumer.close(Duration.ofSeconds(10));
    }

    public static void main(String[] args) throws Exception {
        history = new PrintWriter(Files.newBufferedWriter(Path.of(args[3]),
            StandardCharsets.UTF_8), true);
        var ended = new CountDownLatch(2);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try {
                ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            history.close();
        }));
        for (Runnable work : List.<Runnable>of(() -> produce(args[0], args[1], args[2]),
            () -> consume(args[0], args[1], args[2])))
            new Thread(() -> {
                try {
                    work.run();
                } finally {
                    ended.countDown();
                }
            }).start();
    }
}
