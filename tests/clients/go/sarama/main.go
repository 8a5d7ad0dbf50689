// sarama. It does not ask a cluster what it speaks: it is told the cluster's version.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"milena.tests/clients/driver"
)

type client struct {
	seeds   []string
	version sarama.KafkaVersion
	client  sarama.Client
	admin   sarama.ClusterAdmin
}

func open(bootstrap, version string) (driver.Client, error) {
	numbers := strings.Split(version, ".")
	if numbers[2] == "x" {
		numbers[2] = "0"
	}
	parsed, err := sarama.ParseKafkaVersion(strings.Join(numbers[:3], "."))
	if err != nil {
		return nil, err
	}
	c := &client{seeds: strings.Split(bootstrap, ","), version: parsed}
	if c.client, err = sarama.NewClient(c.seeds, c.config()); err != nil {
		return nil, err
	}
	c.admin, err = sarama.NewClusterAdminFromClient(c.client)
	return c, err
}

func (c *client) config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = c.version
	config.Metadata.AllowAutoTopicCreation = false
	return config
}

func (c *client) CreateTopic(topic string, partitions int32, config map[string]string) error {
	entries := map[string]*string{}
	for name, value := range config {
		entries[name] = &value
	}
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: -1,
		ConfigEntries: entries}
	return c.admin.CreateTopic(topic, detail, false)
}

func (c *client) TopicPartitions(topic string) (int, error) {
	found, err := c.admin.DescribeTopics([]string{topic})
	if err != nil {
		return 0, err
	}
	if errors.Is(found[0].Err, sarama.ErrUnknownTopicOrPartition) {
		return 0, nil
	}
	if !errors.Is(found[0].Err, sarama.ErrNoError) {
		return 0, found[0].Err
	}
	return len(found[0].Partitions), nil
}

func encoder(content []byte) sarama.Encoder {
	if content == nil {
		return nil
	}
	return sarama.ByteEncoder(content)
}

func (c *client) Produce(call driver.Call) ([]int64, error) {
	config := c.config()
	config.Producer.Compression = map[string]sarama.CompressionCodec{
		"none":   sarama.CompressionNone,
		"gzip":   sarama.CompressionGZIP,
		"snappy": sarama.CompressionSnappy,
		"lz4":    sarama.CompressionLZ4,
		"zstd":   sarama.CompressionZSTD,
	}[call.Codec]
	config.Producer.RequiredAcks = map[string]sarama.RequiredAcks{
		"0":   sarama.NoResponse,
		"1":   sarama.WaitForLocal,
		"all": sarama.WaitForAll,
	}[call.Acks]
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	if call.Idempotent {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	producer, err := sarama.NewSyncProducer(c.seeds, config)
	if err != nil {
		return nil, err
	}
	messages := make([]*sarama.ProducerMessage, len(call.Records))
	for i, r := range call.Records {
		messages[i] = &sarama.ProducerMessage{Topic: call.Topic, Partition: r.Partition,
			Key:   encoder(r.Key),
			Value: encoder(r.Value), Timestamp: time.UnixMilli(r.Timestamp)}
		for _, header := range r.Headers {
			messages[i].Headers = append(messages[i].Headers,
				sarama.RecordHeader{Key: []byte(header.Key), Value: header.Value})
		}
	}
	err = errors.Join(producer.SendMessages(messages), producer.Close())
	offsets := make([]int64, len(messages))
	for i, message := range messages {
		offsets[i] = message.Offset
	}
	return offsets, err
}

func received(m *sarama.ConsumerMessage) driver.Record {
	record := driver.Record{Partition: m.Partition, Key: m.Key, Value: m.Value,
		Timestamp: m.Timestamp.UnixMilli(), Offset: m.Offset}
	for _, header := range m.Headers {
		record.Headers = append(record.Headers,
			driver.Header{Key: string(header.Key), Value: header.Value})
	}
	return record
}

func (c *client) Consume(topic string, count int, places map[int32]int64) ([]driver.Record, error) {
	if len(places) == 0 {
		total, err := c.TopicPartitions(topic)
		if err != nil {
			return nil, err
		}
		places = map[int32]int64{}
		for partition := range total {
			places[int32(partition)] = sarama.OffsetOldest
		}
	}
	config := c.config()
	config.Consumer.Return.Errors = true
	consumer, err := sarama.NewConsumer(c.seeds, config)
	if err != nil {
		return nil, err
	}
	messages, failures := make(chan *sarama.ConsumerMessage), make(chan error)
	done := make(chan struct{})
	for partition, offset := range places {
		part, err := consumer.ConsumePartition(topic, partition, offset)
		if err != nil {
			return nil, err
		}
		go func() {
			for {
				select {
				case m := <-part.Messages():
					select {
					case messages <- m:
					case <-done:
					}
				case e := <-part.Errors():
					select {
					case failures <- e:
					case <-done:
					}
				case <-done:
					part.AsyncClose()
					for range part.Messages() {
					}
					return
				}
			}
		}()
	}
	defer close(done)
	var got []driver.Record
	for deadline := time.After(60 * time.Second); len(got) < count; {
		select {
		case m := <-messages:
			got = append(got, received(m))
		case err := <-failures:
			return nil, err
		case <-deadline:
			return nil, fmt.Errorf("%d of %d records within 60 s", len(got), count)
		}
	}
	return got, nil
}

func (c *client) EndOffsets(topic string) (map[int32]int64, error) {
	total, err := c.TopicPartitions(topic)
	found := map[int32]int64{}
	for partition := range int32(total) {
		found[partition], err = c.client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return nil, err
		}
	}
	return found, err
}

type member struct {
	group   sarama.ConsumerGroup
	inbox   driver.Inbox
	done    chan struct{}
	cancel  context.CancelFunc
	topic   string
	session chan sarama.ConsumerGroupSession // holds the session of the running generation
}

func (c *client) Member(call driver.Call) (driver.Member, error) {
	config := c.config()
	config.Consumer.Group.Session.Timeout = 6 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Group.InstanceId = call.Instance
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Metadata.RefreshFrequency = 2 * time.Second
	if call.Start == "latest" {
		config.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	group, err := sarama.NewConsumerGroup(c.seeds, call.Group, config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{group: group, done: make(chan struct{}), cancel: cancel, topic: call.Topic,
		session: make(chan sarama.ConsumerGroupSession, 1)}
	go m.consume(ctx)
	return m, nil
}

func (m *member) consume(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		// Returns at each rebalance.
		if err := m.group.Consume(ctx, []string{m.topic}, m); err != nil && ctx.Err() == nil {
			m.inbox.Fail(err)
			return
		}
	}
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.session <- session
	m.inbox.Assign(session.Claims()[m.topic], true)
	return nil
}

func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	<-m.session
	m.inbox.Assign(session.Claims()[m.topic], false)
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession,
	claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.inbox.Add(received(message))
		session.MarkMessage(message, "")
	}
	return nil
}

func (m *member) Inbox() *driver.Inbox { return &m.inbox }

func (m *member) Commit() error {
	select {
	case session := <-m.session:
		session.Commit()
		m.session <- session
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("no session of the group within 30 s")
	}
}

func (m *member) Close() error {
	m.cancel()
	<-m.done
	return m.group.Close()
}

func (c *client) Committed(group, topic string) (map[int32]int64, error) {
	total, err := c.TopicPartitions(topic)
	if err != nil {
		return nil, err
	}
	partitions := []int32{}
	for partition := range int32(total) {
		partitions = append(partitions, partition)
	}
	answer, err := c.admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: partitions})
	if err != nil {
		return nil, err
	}
	found := map[int32]int64{}
	for partition, block := range answer.Blocks[topic] {
		found[partition] = block.Offset
	}
	return found, nil
}

func (c *client) OffsetForTime(topic string, partition int32, timestamp int64) (int64, error) {
	return c.client.GetOffset(topic, partition, timestamp)
}

func (c *client) DescribeConfig(topic string) (map[string]string, error) {
	entries, err := c.admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource,
		Name: topic})
	found := map[string]string{}
	for _, entry := range entries {
		found[entry.Name] = entry.Value
	}
	return found, err
}

func (c *client) AlterConfig(topic string, config map[string]string) error {
	entries := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range config {
		entries[name] = sarama.IncrementalAlterConfigsEntry{
			Operation: sarama.IncrementalAlterConfigsOperationSet,
			Value:     &value,
		}
	}
	return c.admin.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false)
}

func (c *client) CreatePartitions(topic string, total int32) error {
	return c.admin.CreatePartitions(topic, total, nil, false)
}

func (c *client) DeleteRecords(topic string, before map[int32]int64) error {
	return c.admin.DeleteRecords(topic, before)
}

func (c *client) ListGroups() ([]string, error) {
	groups, err := c.admin.ListConsumerGroups()
	names := []string{}
	for name := range groups {
		names = append(names, name)
	}
	return names, err
}

func (c *client) DescribeGroup(group string) (string, int, error) {
	found, err := c.admin.DescribeConsumerGroups([]string{group})
	if err != nil {
		return "", 0, err
	}
	return found[0].State, len(found[0].Members), nil
}

func (c *client) DeleteGroup(group string) error { return c.admin.DeleteConsumerGroup(group) }

func (c *client) DeleteTopic(topic string) error { return c.admin.DeleteTopic(topic) }

func main() { driver.Run("sarama", "github.com/IBM/sarama", open) }
