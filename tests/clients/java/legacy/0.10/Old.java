// The parts specific to kafka-clients 0.10.2: records with a time (Produce v2, Fetch v3, magic 1).

import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

class Old {
    static ProducerRecord<byte[], byte[]> record(String topic, int partition, long time,
        byte[] key, byte[] value) {
        return new ProducerRecord<>(topic, partition, time, key, value);
    }

    static long time(ConsumerRecord<byte[], byte[]> record) {
        return record.timestamp();
    }

    static String kindOfTime(ConsumerRecord<byte[], byte[]> record) {
        return record.timestampType().toString();
    }

    static long end(KafkaConsumer<byte[], byte[]> consumer, TopicPartition place) {
        return consumer.endOffsets(List.of(place)).get(place);
    }

    static Long offsetAt(KafkaConsumer<byte[], byte[]> consumer, TopicPartition place, long time) {
        try {
            return consumer.offsetsForTimes(Map.of(place, time)).get(place).offset();
        } finally {
            consumer.close();
        }
    }
}
