// Package driver serves the calls of tests/clients/python/driven.py for a Kafka client written in
// Go: one JSON object a line in, one a line out. The client itself is behind Client.
package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Record is a record as it went in or came out; nil keys and values are null.
type Record struct {
	Partition int32    `json:"partition"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	Timestamp int64    `json:"timestamp"`
	Offset    int64    `json:"offset"`
}

// Header goes over the wire as a pair.
type Header struct {
	Key   string
	Value []byte
}

func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal([]any{h.Key, h.Value}) }

func (h *Header) UnmarshalJSON(text []byte) error {
	pair := []any{&h.Key, &h.Value}
	return json.Unmarshal(text, &pair)
}

// Call has the arguments of every call; each uses some.
type Call struct {
	Name       string            `json:"call"`
	Topic      string            `json:"topic"`
	Group      string            `json:"group"`
	Partition  int32             `json:"partition"`
	Partitions int32             `json:"partitions"`
	Config     map[string]string `json:"config"`
	Records    []Record          `json:"records"`
	Codec      string            `json:"codec"`
	Acks       string            `json:"acks"`
	Idempotent bool              `json:"idempotent"`
	Count      int               `json:"count"`
	Places     map[int32]int64   `json:"places"`
	Timestamp  int64             `json:"timestamp"`
	Member     int               `json:"member"`
	Instance   string            `json:"instance"`
	Start      string            `json:"start"`
	Seconds    float64           `json:"seconds"`
}

// Client is what a Kafka client can do. Every method blocks until its result is known.
type Client interface {
	CreateTopic(topic string, partitions int32, config map[string]string) error
	TopicPartitions(topic string) (int, error)
	Produce(call Call) ([]int64, error)
	Consume(topic string, count int, places map[int32]int64) ([]Record, error)
	EndOffsets(topic string) (map[int32]int64, error)
	Member(call Call) (Member, error)
	Committed(group, topic string) (map[int32]int64, error)
	OffsetForTime(topic string, partition int32, timestamp int64) (int64, error)
	DescribeConfig(topic string) (map[string]string, error)
	AlterConfig(topic string, config map[string]string) error
	CreatePartitions(topic string, total int32) error
	DeleteRecords(topic string, before map[int32]int64) error
	ListGroups() ([]string, error)
	DescribeGroup(group string) (state string, members int, err error)
	DeleteGroup(group string) error
	DeleteTopic(topic string) error
}

// Member is a group member that consumes in the background, into its Inbox.
type Member interface {
	Commit() error
	Close() error
	Inbox() *Inbox
}

// Inbox holds what a member received and which partitions it has.
type Inbox struct {
	mutex    sync.Mutex
	records  []Record
	assigned map[int32]bool
	failure  error
}

func (i *Inbox) Add(record Record) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.records = append(i.records, record)
}

// Assign adds partitions (or takes them away) and keeps the others.
func (i *Inbox) Assign(partitions []int32, has bool) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.assigned == nil {
		i.assigned = map[int32]bool{}
	}
	for _, partition := range partitions {
		if has {
			i.assigned[partition] = true
		} else {
			delete(i.assigned, partition)
		}
	}
}

func (i *Inbox) Fail(err error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.failure = err
}

func (i *Inbox) take(wait time.Duration) (any, error) {
	for deadline := time.Now().Add(wait); ; time.Sleep(5 * time.Millisecond) {
		i.mutex.Lock()
		if len(i.records) > 0 || i.failure != nil || time.Now().After(deadline) {
			defer i.mutex.Unlock()
			records, assignment := i.records, []int32{}
			for partition := range i.assigned {
				assignment = append(assignment, partition)
			}
			i.records = nil
			return map[string]any{"records": records, "assignment": assignment}, i.failure
		}
		i.mutex.Unlock()
	}
}

func answer(client Client, members map[int]Member, call Call) (any, error) {
	switch call.Name {
	case "create_topic":
		return nil, client.CreateTopic(call.Topic, call.Partitions, call.Config)
	case "topic_partitions":
		return client.TopicPartitions(call.Topic)
	case "produce":
		return client.Produce(call)
	case "consume":
		return client.Consume(call.Topic, call.Count, call.Places)
	case "end_offsets":
		return client.EndOffsets(call.Topic)
	case "committed":
		return client.Committed(call.Group, call.Topic)
	case "offset_for_time":
		return client.OffsetForTime(call.Topic, call.Partition, call.Timestamp)
	case "describe_config":
		return client.DescribeConfig(call.Topic)
	case "alter_config":
		return nil, client.AlterConfig(call.Topic, call.Config)
	case "create_partitions":
		return nil, client.CreatePartitions(call.Topic, call.Partitions)
	case "delete_records":
		return nil, client.DeleteRecords(call.Topic, call.Places)
	case "list_groups":
		return client.ListGroups()
	case "describe_group":
		state, count, err := client.DescribeGroup(call.Group)
		return []any{state, count}, err
	case "delete_group":
		return nil, client.DeleteGroup(call.Group)
	case "delete_topic":
		return nil, client.DeleteTopic(call.Topic)
	case "member":
		member, err := client.Member(call)
		members[call.Member] = member
		return nil, err
	}
	member, known := members[call.Member]
	if !known {
		return nil, fmt.Errorf("no call is named %q", call.Name)
	}
	switch call.Name {
	case "poll":
		return member.Inbox().take(time.Duration(call.Seconds * float64(time.Second)))
	case "commit":
		return nil, member.Commit()
	case "close":
		delete(members, call.Member)
		return nil, member.Close()
	}
	return nil, fmt.Errorf("no call is named %q", call.Name)
}

// Module is the version of a module that this program was built with.
func Module(path string) string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == path {
			return module.Version[1:]
		}
	}
	return "?"
}

// Run serves calls until the input ends. The client is made by open from the bootstrap string and
// the cluster's version.
func Run(name, module string, open func(bootstrap, version string) (Client, error)) {
	client, err := open(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	members, output := map[int]Member{}, json.NewEncoder(os.Stdout)
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var call Call
		if err := input.Decode(&call); err != nil {
			return
		}
		if call.Name == "hello" {
			_ = output.Encode(map[string]any{"ok": []string{name, Module(module)}})
			continue
		}
		result, err := answer(client, members, call)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			_ = output.Encode(map[string]any{"unsupported": err.Error()})
		case err != nil:
			_ = output.Encode(map[string]any{"error": err.Error()})
		default:
			_ = output.Encode(map[string]any{"ok": result})
		}
	}
}
