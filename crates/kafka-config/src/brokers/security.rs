//! TLS and SASL. They can change for one listener at a time only, by their name with the listener's
//! before it.

use crate::{
    definition::{ConfigType, Definition, class, double, list, long, short, text, unset},
    effect::{JAVA, SASL, TLS},
    value::Rule,
};

/// A text without a default.
const fn setting(name: &'static str, doc: &'static str) -> Definition {
    unset(name, ConfigType::String, Rule::Any, doc).per_listener()
}

/// A secret.
const fn secret(name: &'static str, doc: &'static str) -> Definition {
    unset(name, ConfigType::Password, Rule::Any, doc).per_listener()
}

pub(super) const SECURITY: &[Definition] = &[
    setting("ssl.keystore.location", "The file with the broker's certificate and key.").does(TLS),
    secret("ssl.keystore.password", "The password of that file.").does(TLS),
    text("ssl.keystore.type", "JKS", Rule::Any, "The format of that file.")
        .per_listener()
        .does(TLS),
    secret("ssl.keystore.key", "The broker's private key, as PEM.").does(TLS),
    secret("ssl.keystore.certificate.chain", "The broker's certificate and its issuers, as PEM.")
        .does(TLS),
    secret("ssl.key.password", "The password of the broker's private key.").does(TLS),
    setting(
        "ssl.truststore.location",
        "The file with the certificates that clients are checked against.",
    )
    .does(TLS),
    secret("ssl.truststore.password", "The password of that file.").does(TLS),
    text("ssl.truststore.type", "JKS", Rule::Any, "The format of that file.")
        .per_listener()
        .does(TLS),
    secret(
        "ssl.truststore.certificates",
        "The certificates that clients are checked against, as PEM.",
    )
    .does(TLS),
    text(
        "ssl.client.auth",
        "none",
        Rule::OneOf(&["required", "requested", "none"]),
        "Whether clients must show a certificate.",
    )
    .per_listener()
    .does(TLS),
    text("ssl.protocol", "TLSv1.3", Rule::Any, "The TLS version for contexts.")
        .per_listener()
        .does(TLS),
    list(
        "ssl.enabled.protocols",
        "TLSv1.2,TLSv1.3",
        Rule::Any,
        "The TLS versions that are spoken.",
    )
    .per_listener()
    .does(TLS),
    list(
        "ssl.cipher.suites",
        "",
        Rule::Any,
        "The cipher suites that are spoken; all good ones if empty.",
    )
    .per_listener()
    .does(TLS),
    text(
        "ssl.endpoint.identification.algorithm",
        "https",
        Rule::Any,
        "How a client checks that a certificate is for the host it asked for.",
    )
    .per_listener()
    .does(TLS),
    text(
        "ssl.principal.mapping.rules",
        "DEFAULT",
        Rule::Any,
        "How the name in a client's certificate becomes a principal.",
    )
    .does(TLS),
    list("sasl.enabled.mechanisms", "GSSAPI", Rule::Any, "The SASL mechanisms that are offered.")
        .per_broker()
        .does(SASL),
    secret("sasl.jaas.config", "Login settings in the format of JAAS.").per_broker().does(SASL),
    text(
        "sasl.mechanism.inter.broker.protocol",
        "GSSAPI",
        Rule::Any,
        "The SASL mechanism between brokers.",
    )
    .per_broker()
    .does(SASL),
    class(
        "principal.builder.class",
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
        "The class that makes a principal of an authenticated client.",
    )
    .per_broker()
    .does(JAVA),
    unset(
        "ssl.engine.factory.class",
        ConfigType::Class,
        Rule::Any,
        "The class that makes TLS engines.",
    )
    .per_listener()
    .does(TLS),
    text("ssl.keymanager.algorithm", "SunX509", Rule::Any, "How Java manages keys.")
        .per_listener()
        .does(TLS),
    text("ssl.trustmanager.algorithm", "PKIX", Rule::Any, "How Java checks certificates.")
        .per_listener()
        .does(TLS),
    setting("ssl.provider", "The Java provider of TLS.").does(TLS),
    setting("ssl.secure.random.implementation", "Where Java takes randomness for TLS from.")
        .does(TLS),
    text("sasl.kerberos.kinit.cmd", "/usr/bin/kinit", Rule::Any, "Where Kerberos' kinit is.")
        .per_broker()
        .does(SASL),
    long(
        "sasl.kerberos.min.time.before.relogin",
        "60000",
        Rule::Any,
        "The least time between Kerberos logins, in ms.",
    )
    .per_broker()
    .does(SASL),
    list(
        "sasl.kerberos.principal.to.local.rules",
        "DEFAULT",
        Rule::Any,
        "How a Kerberos principal becomes a short name.",
    )
    .per_broker()
    .does(SASL),
    setting("sasl.kerberos.service.name", "The Kerberos name that brokers run as.")
        .per_broker()
        .does(SASL),
    double(
        "sasl.kerberos.ticket.renew.jitter",
        "0.05",
        Rule::Any,
        "How far Kerberos renewals are spread in time.",
    )
    .per_broker()
    .does(SASL),
    double(
        "sasl.kerberos.ticket.renew.window.factor",
        "0.8",
        Rule::Any,
        "After which share of its life a Kerberos ticket is renewed.",
    )
    .per_broker()
    .does(SASL),
    short(
        "sasl.login.refresh.buffer.seconds",
        "300",
        Rule::Any,
        "How long before its end a login is renewed at the latest, in seconds.",
    )
    .per_broker()
    .does(SASL),
    short(
        "sasl.login.refresh.min.period.seconds",
        "60",
        Rule::Any,
        "How long a renewal of a login waits at least, in seconds.",
    )
    .per_broker()
    .does(SASL),
    double(
        "sasl.login.refresh.window.factor",
        "0.8",
        Rule::Any,
        "After which share of its life a login is renewed.",
    )
    .per_broker()
    .does(SASL),
    double(
        "sasl.login.refresh.window.jitter",
        "0.05",
        Rule::Any,
        "How far renewals of logins are spread in time.",
    )
    .per_broker()
    .does(SASL),
];
