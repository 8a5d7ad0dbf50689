//! Listeners, connections, requests, quotas.

use crate::{
    definition::{Change, Definition, flag, int, long, text, unset},
    effect::{
        ACLS, CONNECTION_RATE, FOLLOWERS, INTER_BROKER, JAVA, QUOTAS, SASL, SERVICE, SOCKETS, TLS,
    },
    value::{ConfigType, Rule},
};

const PROTOCOLS: &str =
    "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT";

#[rustfmt::skip]
pub(super) const CONNECTIONS: &[Definition] = &[
    text("listeners", "PLAINTEXT://:9092").changes(&[(4, 2, Change::Type(ConfigType::List))])
        .effect(SERVICE)
        .doc("Where the broker listens: name://host:port each."),
    unset("advertised.listeners", ConfigType::String)
        .changes(&[(4, 2, Change::Type(ConfigType::List))]).effect(SERVICE)
        .doc("The addresses that clients connect to; those of listeners if not set."),
    text("listener.security.protocol.map", PROTOCOLS)
        .effect(TLS)
        .doc("Which security protocol each listener speaks."),
    unset("inter.broker.listener.name", ConfigType::String).effect(INTER_BROKER)
        .doc("The listener through which brokers reach each other."),
    text("security.inter.broker.protocol", "PLAINTEXT")
        .one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]).effect(INTER_BROKER)
        .doc("The security protocol between brokers, unless a listener is named."),
    int("max.connections", "2147483647").at_least(0).cluster_wide()
        .honoured("connections_beyond_the_limit_are_refused_until_one_is_closed")
        .doc("How many connections a broker accepts."),
    int("max.connections.per.ip", "2147483647").at_least(0).cluster_wide()
        .honoured("an_address_has_its_own_limit_and_all_have_one_together")
        .doc("How many connections a broker accepts from one address."),
    text("max.connections.per.ip.overrides", "").rule(Rule::HostLimits).cluster_wide()
        .partly("an_address_has_its_own_limit_and_all_have_one_together",
            "addresses count, host names do not")
        .doc("Addresses or hosts with a limit of their own, as host:count pairs."),
    int("max.connection.creation.rate", "2147483647").at_least(0).cluster_wide()
        .effect(CONNECTION_RATE)
        .doc("How many connections a broker accepts in a second."),
    long("connections.max.idle.ms", "600000").honoured("an_idle_connection_is_closed")
        .doc("After how many idle ms a connection is closed."),
    long("connections.max.reauth.ms", "0").effect(SASL)
        .doc("After how many ms a SASL connection must authenticate again; 0 for never."),
    int("connection.failed.authentication.delay.ms", "100").at_least(0).effect(SASL)
        .doc("How long to wait before closing a connection that failed to authenticate, in ms."),
    int("socket.receive.buffer.bytes", "102400").effect(SOCKETS)
        .doc("The receive buffer of sockets; -1 for the system's."),
    int("socket.send.buffer.bytes", "102400").effect(SOCKETS)
        .doc("The send buffer of sockets; -1 for the system's."),
    int("socket.request.max.bytes", "104857600").at_least(1)
        .honoured("a_request_larger_than_the_limit_closes_the_connection")
        .doc("How large a request may be, in bytes."),
    int("socket.listen.backlog.size", "50").at_least(1).since(3, 2).effect(SOCKETS)
        .doc("How many connections may wait to be accepted."),
    int("queued.max.requests", "500").at_least(1)
        .meaningless("requests wait in their connections' tasks, bounded by \
            queued.max.request.bytes")
        .doc("How many requests may wait for a thread."),
    long("queued.max.request.bytes", "-1").honoured("properties_change_the_limits_they_name")
        .doc("How many bytes of requests may wait; -1 for no limit."),
    int("fetch.max.bytes", "57671680").at_least(1024).honoured("properties_take_effect")
        .doc("The largest fetch response, in bytes."),
    int("max.incremental.fetch.session.cache.slots", "1000").at_least(0)
        .honoured("a_full_cache_answers_without_a_session")
        .doc("How many fetch sessions a broker remembers."),
    int("max.request.partition.size.limit", "2000").at_least(1).since(3, 8)
        .honoured("partitions_are_described_page_by_page")
        .doc("How many partitions one request may describe."),
    int("quota.window.num", "11").at_least(1).effect(QUOTAS)
        .doc("Over how many windows client quotas are measured."),
    int("quota.window.size.seconds", "1").at_least(1).effect(QUOTAS)
        .doc("How long such a window is, in seconds."),
    int("controller.quota.window.num", "11").at_least(1).effect(QUOTAS)
        .doc("Over how many windows controller quotas are measured."),
    int("controller.quota.window.size.seconds", "1").at_least(1).effect(QUOTAS)
        .doc("How long such a window is, in seconds."),
    int("replication.quota.window.num", "11").at_least(1).effect(FOLLOWERS)
        .doc("Over how many windows replication quotas are measured."),
    int("replication.quota.window.size.seconds", "1").at_least(1).effect(FOLLOWERS)
        .doc("How long such a window is, in seconds."),
    unset("client.quota.callback.class", ConfigType::Class).effect(JAVA)
        .doc("A class that decides on client quotas. Not supported."),
    unset("create.topic.policy.class.name", ConfigType::Class).effect(JAVA)
        .doc("A class that decides which topics may be created. Not supported."),
    unset("alter.config.policy.class.name", ConfigType::Class).effect(JAVA)
        .doc("A class that decides which configurations may be set. Not supported."),
    flag("allow.everyone.if.no.acl.found", "false").hidden().effect(ACLS)
        .doc("Whether what has no ACL is open to everybody."),
    text("authorizer.class.name", "").effect(ACLS)
        .doc("The class that authorizes requests."),
    unset("super.users", ConfigType::String).hidden().effect(ACLS)
        .doc("Principals that may do everything, separated by ';'."),
];
