//! TLS and SASL. They can change for one listener at a time only, by their name with the listener's
//! before it.

use crate::{
    definition::{Definition, class, double, list, long, short, text, unset},
    effect::{JAVA, SASL, TLS},
    value::ConfigType,
};

#[rustfmt::skip]
pub(super) const SECURITY: &[Definition] = &[
    unset("ssl.keystore.location", ConfigType::String).per_listener().effect(TLS)
        .doc("The file with the broker's certificate and key."),
    unset("ssl.keystore.password", ConfigType::Password).per_listener().effect(TLS)
        .doc("The password of that file."),
    text("ssl.keystore.type", "JKS").per_listener().effect(TLS)
        .doc("The format of that file."),
    unset("ssl.keystore.key", ConfigType::Password).per_listener().effect(TLS)
        .doc("The broker's private key, as PEM."),
    unset("ssl.keystore.certificate.chain", ConfigType::Password).per_listener().effect(TLS)
        .doc("The broker's certificate and its issuers, as PEM."),
    unset("ssl.key.password", ConfigType::Password).per_listener().effect(TLS)
        .doc("The password of the broker's private key."),
    unset("ssl.truststore.location", ConfigType::String).per_listener().effect(TLS)
        .doc("The file with the certificates that clients are checked against."),
    unset("ssl.truststore.password", ConfigType::Password).per_listener().effect(TLS)
        .doc("The password of that file."),
    text("ssl.truststore.type", "JKS").per_listener().effect(TLS)
        .doc("The format of that file."),
    unset("ssl.truststore.certificates", ConfigType::Password).per_listener().effect(TLS)
        .doc("The certificates that clients are checked against, as PEM."),
    text("ssl.client.auth", "none").one_of(&["required", "requested", "none"]).per_listener()
        .effect(TLS)
        .doc("Whether clients must show a certificate."),
    text("ssl.protocol", "TLSv1.3").per_listener().effect(TLS)
        .doc("The TLS version for contexts."),
    list("ssl.enabled.protocols", "TLSv1.2,TLSv1.3").per_listener().effect(TLS)
        .doc("The TLS versions that are spoken."),
    list("ssl.cipher.suites", "").per_listener().effect(TLS)
        .doc("The cipher suites that are spoken; all good ones if empty."),
    text("ssl.endpoint.identification.algorithm", "https").per_listener().effect(TLS)
        .doc("How a client checks that a certificate is for the host it asked for."),
    text("ssl.principal.mapping.rules", "DEFAULT").effect(TLS)
        .doc("How the name in a client's certificate becomes a principal."),
    list("sasl.enabled.mechanisms", "GSSAPI").per_broker().effect(SASL)
        .doc("The SASL mechanisms that are offered."),
    unset("sasl.jaas.config", ConfigType::Password).per_broker().effect(SASL)
        .doc("Login settings in the format of JAAS."),
    text("sasl.mechanism.inter.broker.protocol", "GSSAPI").per_broker().effect(SASL)
        .doc("The SASL mechanism between brokers."),
    class("principal.builder.class",
        "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder")
        .per_broker().effect(JAVA)
        .doc("The class that makes a principal of an authenticated client."),
    unset("ssl.engine.factory.class", ConfigType::Class).per_listener().effect(TLS)
        .doc("The class that makes TLS engines."),
    text("ssl.keymanager.algorithm", "SunX509").per_listener().effect(TLS)
        .doc("How Java manages keys."),
    text("ssl.trustmanager.algorithm", "PKIX").per_listener().effect(TLS)
        .doc("How Java checks certificates."),
    unset("ssl.provider", ConfigType::String).per_listener().effect(TLS)
        .doc("The Java provider of TLS."),
    unset("ssl.secure.random.implementation", ConfigType::String).per_listener().effect(TLS)
        .doc("Where Java takes randomness for TLS from."),
    text("sasl.kerberos.kinit.cmd", "/usr/bin/kinit").per_broker().effect(SASL)
        .doc("Where Kerberos' kinit is."),
    long("sasl.kerberos.min.time.before.relogin", "60000").per_broker().effect(SASL)
        .doc("The least time between Kerberos logins, in ms."),
    list("sasl.kerberos.principal.to.local.rules", "DEFAULT").per_broker().effect(SASL)
        .doc("How a Kerberos principal becomes a short name."),
    unset("sasl.kerberos.service.name", ConfigType::String).per_broker().effect(SASL)
        .doc("The Kerberos name that brokers run as."),
    double("sasl.kerberos.ticket.renew.jitter", "0.05").per_broker().effect(SASL)
        .doc("How far Kerberos renewals are spread in time."),
    double("sasl.kerberos.ticket.renew.window.factor", "0.8").per_broker().effect(SASL)
        .doc("After which share of its life a Kerberos ticket is renewed."),
    short("sasl.login.refresh.buffer.seconds", "300").per_broker().effect(SASL)
        .doc("How long before its end a login is renewed at the latest, in seconds."),
    short("sasl.login.refresh.min.period.seconds", "60").per_broker().effect(SASL)
        .doc("How long a renewal of a login waits at least, in seconds."),
    double("sasl.login.refresh.window.factor", "0.8").per_broker().effect(SASL)
        .doc("After which share of its life a login is renewed."),
    double("sasl.login.refresh.window.jitter", "0.05").per_broker().effect(SASL)
        .doc("How far renewals of logins are spread in time."),
];
