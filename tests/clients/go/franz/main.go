// franz-go: its client kgo and its administration kadm.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"milena.tests/clients/driver"
)

type franz struct {
	seeds []string
	admin *kadm.Client
}

func open(bootstrap, _ string) (driver.Client, error) {
	f := &franz{seeds: strings.Split(bootstrap, ",")}
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	f.admin = kadm.NewClient(client)
	return f, nil
}

// Left alone, a client answers for five seconds from the metadata that it has.
func (f *franz) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(f.seeds...),
		kgo.MetadataMinAge(100*time.Millisecond))...)
}

func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 60*time.Second)
}

func (f *franz) CreateTopic(topic string, partitions int32, config map[string]string) error {
	ctx, cancel := limited()
	defer cancel()
	configs := map[string]*string{}
	for name, value := range config {
		configs[name] = &value
	}
	_, err := f.admin.CreateTopic(ctx, partitions, -1, configs, topic)
	return err
}

func (f *franz) TopicPartitions(topic string) (int, error) {
	ctx, cancel := limited()
	defer cancel()
	topics, err := f.admin.ListTopics(ctx, topic)
	if err != nil {
		return 0, err
	}
	if errors.Is(topics[topic].Err, kerr.UnknownTopicOrPartition) {
		return 0, nil
	}
	return len(topics[topic].Partitions), topics[topic].Err
}

func (f *franz) Produce(call driver.Call) ([]int64, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
	acks := map[string]kgo.Acks{"0": kgo.NoAck(), "1": kgo.LeaderAck(), "all": kgo.AllISRAcks()}
	options := []kgo.Opt{kgo.ProducerBatchCompression(codecs[call.Codec]),
		kgo.RequiredAcks(acks[call.Acks]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5 * time.Millisecond)}
	if !call.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := f.client(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	records := make([]*kgo.Record, len(call.Records))
	for i, r := range call.Records {
		records[i] = &kgo.Record{Topic: call.Topic, Partition: r.Partition, Key: r.Key,
			Value:     r.Value,
			Timestamp: time.UnixMilli(r.Timestamp)}
		for _, header := range r.Headers {
			records[i].Headers = append(records[i].Headers, kgo.RecordHeader(header))
		}
	}
	ctx, cancel := limited()
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	offsets := make([]int64, len(records))
	for i, r := range records {
		offsets[i] = r.Offset
	}
	return offsets, nil
}

func received(r *kgo.Record) driver.Record {
	record := driver.Record{Partition: r.Partition, Key: r.Key, Value: r.Value,
		Timestamp: r.Timestamp.UnixMilli(), Offset: r.Offset}
	for _, header := range r.Headers {
		record.Headers = append(record.Headers, driver.Header(header))
	}
	return record
}

func (f *franz) Consume(topic string, count int, places map[int32]int64) ([]driver.Record, error) {
	starts := map[int32]kgo.Offset{}
	for partition, offset := range places {
		starts[partition] = kgo.NewOffset().At(offset)
	}
	if len(places) == 0 {
		total, err := f.TopicPartitions(topic)
		if err != nil {
			return nil, err
		}
		for partition := range total {
			starts[int32(partition)] = kgo.NewOffset().AtStart()
		}
	}
	client, err := f.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := limited()
	defer cancel()
	var got []driver.Record
	for len(got) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("%d of %d records: %w", len(got), count, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, received(r)) })
	}
	return got, nil
}

func (f *franz) EndOffsets(topic string) (map[int32]int64, error) {
	ctx, cancel := limited()
	defer cancel()
	listed, err := f.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	found := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { found[o.Partition] = o.Offset })
	return found, err
}

type member struct {
	client *kgo.Client
	inbox  driver.Inbox
	done   chan struct{}
	cancel context.CancelFunc
}

func (f *franz) Member(call driver.Call) (driver.Member, error) {
	m := &member{done: make(chan struct{})}
	start := kgo.NewOffset().AtStart()
	if call.Start == "latest" {
		start = kgo.NewOffset().AtEnd()
	}
	changed := func(has bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, shares map[string][]int32) {
			m.inbox.Assign(shares[call.Topic], has)
		}
	}
	options := []kgo.Opt{kgo.ConsumerGroup(call.Group), kgo.ConsumeTopics(call.Topic),
		kgo.ConsumeResetOffset(start), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(changed(true)), kgo.OnPartitionsRevoked(changed(false)),
		kgo.OnPartitionsLost(changed(false))}
	if call.Instance != "" {
		options = append(options, kgo.InstanceID(call.Instance))
	}
	var err error
	if m.client, err = f.client(options...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	go m.consume(ctx)
	return m, nil
}

func (m *member) consume(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil && ctx.Err() == nil {
			m.inbox.Fail(err)
			return
		}
		fetches.EachRecord(func(r *kgo.Record) { m.inbox.Add(received(r)) })
	}
}

func (m *member) Inbox() *driver.Inbox { return &m.inbox }

func (m *member) Commit() error {
	ctx, cancel := limited()
	defer cancel()
	return m.client.CommitUncommittedOffsets(ctx)
}

func (m *member) Close() error {
	m.cancel()
	<-m.done
	m.client.Close()
	return nil
}

func (f *franz) Committed(group, topic string) (map[int32]int64, error) {
	ctx, cancel := limited()
	defer cancel()
	offsets, err := f.admin.FetchOffsets(ctx, group)
	if err == nil {
		err = offsets.Error()
	}
	found := map[int32]int64{}
	for partition, offset := range offsets[topic] {
		found[partition] = offset.At
	}
	return found, err
}

func (f *franz) OffsetForTime(topic string, partition int32, timestamp int64) (int64, error) {
	ctx, cancel := limited()
	defer cancel()
	listed, err := f.admin.ListOffsetsAfterMilli(ctx, timestamp, topic)
	if err == nil {
		err = listed.Error()
	}
	found, _ := listed.Lookup(topic, partition)
	return found.Offset, err
}

func (f *franz) DescribeConfig(topic string) (map[string]string, error) {
	ctx, cancel := limited()
	defer cancel()
	resources, err := f.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, config := range resources[0].Configs {
		found[config.Key] = config.MaybeValue()
	}
	return found, resources[0].Err
}

func (f *franz) AlterConfig(topic string, config map[string]string) error {
	ctx, cancel := limited()
	defer cancel()
	var changes []kadm.AlterConfig
	for name, value := range config {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
	}
	altered, err := f.admin.AlterTopicConfigs(ctx, changes, topic)
	if err != nil {
		return err
	}
	return altered[0].Err
}

func (f *franz) CreatePartitions(topic string, total int32) error {
	ctx, cancel := limited()
	defer cancel()
	answers, err := f.admin.UpdatePartitions(ctx, int(total), topic)
	if err == nil {
		err = answers.Error()
	}
	return err
}

func (f *franz) DeleteRecords(topic string, before map[int32]int64) error {
	ctx, cancel := limited()
	defer cancel()
	offsets := kadm.Offsets{}
	for partition, offset := range before {
		offsets.AddOffset(topic, partition, offset, -1)
	}
	answers, err := f.admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = answers.Error()
	}
	return err
}

func (f *franz) ListGroups() ([]string, error) {
	ctx, cancel := limited()
	defer cancel()
	groups, err := f.admin.ListGroups(ctx)
	return groups.Groups(), err
}

func (f *franz) DescribeGroup(group string) (string, int, error) {
	ctx, cancel := limited()
	defer cancel()
	groups, err := f.admin.DescribeGroups(ctx, group)
	if err == nil {
		err = groups.Error()
	}
	return groups[group].State, len(groups[group].Members), err
}

func (f *franz) DeleteGroup(group string) error {
	ctx, cancel := limited()
	defer cancel()
	_, err := f.admin.DeleteGroup(ctx, group)
	return err
}

func (f *franz) DeleteTopic(topic string) error {
	ctx, cancel := limited()
	defer cancel()
	_, err := f.admin.DeleteTopic(ctx, topic)
	return err
}

func main() { driver.Run("franz-go", "github.com/twmb/franz-go", open) }
