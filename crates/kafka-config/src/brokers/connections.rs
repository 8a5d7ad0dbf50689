//! Listeners, connections, requests, quotas.

use crate::{
    definition::{ConfigType, Definition, flag, int, list, long, min, text, unset},
    effect::{
        ACLS, CONNECTION_RATE, Effect, FOLLOWERS, INTER_BROKER, JAVA, QUOTAS, SASL, SERVICE,
        SOCKETS, TLS, honoured, partly,
    },
    value::Rule,
};

pub(super) const CONNECTIONS: &[Definition] = &[
    text(
        "listeners",
        "PLAINTEXT://:9092",
        Rule::Any,
        "Where the broker listens: name://host:port each.",
    )
    .until(4, 2)
    .does(SERVICE),
    list(
        "listeners",
        "PLAINTEXT://:9092",
        Rule::Any,
        "Where the broker listens: name://host:port each.",
    )
    .since(4, 2)
    .does(SERVICE),
    unset(
        "advertised.listeners",
        ConfigType::String,
        Rule::Any,
        "Where clients are told to connect; where the broker listens if not set.",
    )
    .until(4, 2)
    .does(SERVICE),
    unset(
        "advertised.listeners",
        ConfigType::List,
        Rule::Any,
        "Where clients are told to connect; where the broker listens if not set.",
    )
    .since(4, 2)
    .does(SERVICE),
    text(
        "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        Rule::Any,
        "Which security protocol each listener speaks.",
    )
    .does(TLS),
    unset(
        "inter.broker.listener.name",
        ConfigType::String,
        Rule::Any,
        "The listener through which brokers reach each other.",
    )
    .does(INTER_BROKER),
    text(
        "security.inter.broker.protocol",
        "PLAINTEXT",
        Rule::OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
        "The security protocol between brokers, unless a listener is named.",
    )
    .does(INTER_BROKER),
    int("max.connections", "2147483647", min(0), "How many connections a broker accepts.")
        .cluster_wide()
        .does(honoured(
            "broker/src/net/connection_slots.rs",
            "connections_beyond_the_limit_are_refused_until_one_is_closed",
        )),
    int(
        "max.connections.per.ip",
        "2147483647",
        min(0),
        "How many connections a broker accepts from one address.",
    )
    .cluster_wide()
    .does(honoured(
        "broker/src/net/connection_slots.rs",
        "an_address_has_its_own_limit_and_all_have_one_together",
    )),
    text(
        "max.connections.per.ip.overrides",
        "",
        Rule::HostLimits,
        "Addresses or hosts with a limit of their own, as host:count pairs.",
    )
    .cluster_wide()
    .does(partly(
        "broker/src/net/connection_slots.rs",
        "an_address_has_its_own_limit_and_all_have_one_together",
        "addresses count, host names do not",
    )),
    int(
        "max.connection.creation.rate",
        "2147483647",
        min(0),
        "How many connections a broker accepts in a second.",
    )
    .cluster_wide()
    .does(CONNECTION_RATE),
    long(
        "connections.max.idle.ms",
        "600000",
        Rule::Any,
        "After how many idle ms a connection is closed.",
    )
    .does(honoured("broker/src/config.rs", "an_idle_connection_is_closed")),
    long(
        "connections.max.reauth.ms",
        "0",
        Rule::Any,
        "After how many ms a SASL connection must authenticate again; 0 for never.",
    )
    .does(SASL),
    int(
        "connection.failed.authentication.delay.ms",
        "100",
        min(0),
        "How long a failed authentication is left open before it is closed, in ms.",
    )
    .does(SASL),
    int(
        "socket.receive.buffer.bytes",
        "102400",
        Rule::Any,
        "The receive buffer of sockets; -1 for the system's.",
    )
    .does(SOCKETS),
    int(
        "socket.send.buffer.bytes",
        "102400",
        Rule::Any,
        "The send buffer of sockets; -1 for the system's.",
    )
    .does(SOCKETS),
    int("socket.request.max.bytes", "104857600", min(1), "How large a request may be, in bytes.")
        .does(honoured(
            "broker/src/config.rs",
            "a_request_larger_than_the_limit_closes_the_connection",
        )),
    int(
        "socket.listen.backlog.size",
        "50",
        min(1),
        "How many connections may wait to be accepted.",
    )
    .since(3, 2)
    .does(SOCKETS),
    int("queued.max.requests", "500", min(1), "How many requests may wait for a thread.").does(
        Effect::Meaningless(
            "requests wait in their connections' tasks, bounded by queued.max.request.bytes",
        ),
    ),
    long(
        "queued.max.request.bytes",
        "-1",
        Rule::Any,
        "How many bytes of requests may wait; -1 for no limit.",
    )
    .does(honoured("broker/src/config.rs", "properties_change_the_limits_they_name")),
    int("fetch.max.bytes", "57671680", min(1024), "How much one fetch answers at most, in bytes.")
        .does(honoured("broker/src/config.rs", "properties_take_effect")),
    int(
        "max.incremental.fetch.session.cache.slots",
        "1000",
        min(0),
        "How many fetch sessions a broker remembers.",
    )
    .does(honoured("broker/src/config.rs", "a_full_cache_answers_without_a_session")),
    int(
        "max.request.partition.size.limit",
        "2000",
        min(1),
        "How many partitions one request may describe.",
    )
    .since(3, 8)
    .does(honoured(
        "broker/src/api/cluster/describe_topic_partitions.rs",
        "partitions_are_described_page_by_page",
    )),
    int("quota.window.num", "11", min(1), "Over how many windows client quotas are measured.")
        .does(QUOTAS),
    int("quota.window.size.seconds", "1", min(1), "How long such a window is, in seconds.")
        .does(QUOTAS),
    int(
        "controller.quota.window.num",
        "11",
        min(1),
        "Over how many windows controller quotas are measured.",
    )
    .does(QUOTAS),
    int(
        "controller.quota.window.size.seconds",
        "1",
        min(1),
        "How long such a window is, in seconds.",
    )
    .does(QUOTAS),
    int(
        "replication.quota.window.num",
        "11",
        min(1),
        "Over how many windows replication quotas are measured.",
    )
    .does(FOLLOWERS),
    int(
        "replication.quota.window.size.seconds",
        "1",
        min(1),
        "How long such a window is, in seconds.",
    )
    .does(FOLLOWERS),
    unset(
        "client.quota.callback.class",
        ConfigType::Class,
        Rule::Any,
        "A class that decides on client quotas. Not supported.",
    )
    .does(JAVA),
    unset(
        "create.topic.policy.class.name",
        ConfigType::Class,
        Rule::Any,
        "A class that decides which topics may be created. Not supported.",
    )
    .does(JAVA),
    unset(
        "alter.config.policy.class.name",
        ConfigType::Class,
        Rule::Any,
        "A class that decides which configurations may be set. Not supported.",
    )
    .does(JAVA),
    flag(
        "allow.everyone.if.no.acl.found",
        "false",
        "Whether what has no ACL is open to everybody.",
    )
    .hidden()
    .does(ACLS),
    text("authorizer.class.name", "", Rule::Any, "The class that authorizes requests.").does(ACLS),
    unset(
        "super.users",
        ConfigType::String,
        Rule::Any,
        "Principals that may do everything, separated by ';'.",
    )
    .hidden()
    .does(ACLS),
];
