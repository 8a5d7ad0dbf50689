// The parts specific to kafka-clients 0.9: records without a time (Produce v1, Fetch v1, magic 0).

import java.util.List;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

class Old {
    static ProducerRecord<byte[], byte[]> record(String topic, int partition, long time,
        byte[] key, byte[] value) {
        return new ProducerRecord<>(topic, partition, key, value);
    }

    static long time(ConsumerRecord<byte[], byte[]> record) {
        return -1;
    }

    static String kindOfTime(ConsumerRecord<byte[], byte[]> record) {
        return "NoTimestampType";
    }

    // It can only go there.
    static long end(KafkaConsumer<byte[], byte[]> consumer, TopicPartition place) {
        consumer.assign(List.of(place));
        consumer.seekToEnd(place);
        return consumer.position(place);
    }

    // It cannot ask.
    static Long offsetAt(KafkaConsumer<byte[], byte[]> consumer, TopicPartition place, long time) {
        consumer.close();
        return null;
    }
}
