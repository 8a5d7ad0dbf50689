//! SASL logins, OAuth, delegation tokens, passwords.

use crate::{
    definition::{Definition, class, flag, int, long, text, unset},
    effect::{JAVA, PASSWORDS, SASL, TLS, TOKENS},
    value::{ConfigType, Rule},
};

#[rustfmt::skip]
pub(super) const SASL_SETTINGS: &[Definition] = &[
    long("delegation.token.expiry.check.interval.ms", "3600000").at_least(1).effect(TOKENS)
        .doc("How often expired tokens are searched for, in ms."),
    long("delegation.token.expiry.time.ms", "86400000").at_least(1).effect(TOKENS)
        .doc("How long a token lasts unless it is renewed, in ms."),
    long("delegation.token.max.lifetime.ms", "604800000").at_least(1).effect(TOKENS)
        .doc("How long a token can be renewed, in ms."),
    unset("delegation.token.secret.key", ConfigType::Password).effect(TOKENS)
        .doc("The secret that tokens are signed with."),
    unset("delegation.token.master.key", ConfigType::Password).until(4, 0).effect(TOKENS)
        .doc("The older name of delegation.token.secret.key."),
    text("password.encoder.cipher.algorithm", "AES/CBC/PKCS5Padding").until(4, 0).effect(PASSWORDS)
        .doc("The cipher of passwords kept in ZooKeeper."),
    int("password.encoder.iterations", "4096").at_least(1024).until(4, 0).effect(PASSWORDS)
        .doc("How many rounds it takes to make the key of such passwords."),
    int("password.encoder.key.length", "128").at_least(8).until(4, 0).effect(PASSWORDS)
        .doc("How long the key of such passwords is, in bits."),
    unset("password.encoder.keyfactory.algorithm", ConfigType::String).until(4, 0).effect(PASSWORDS)
        .doc("How the key of such passwords is made."),
    unset("password.encoder.old.secret", ConfigType::Password).until(4, 0).effect(PASSWORDS)
        .doc("The secret that passwords were encrypted with before it changed."),
    unset("password.encoder.secret", ConfigType::Password).until(4, 0).effect(PASSWORDS)
        .doc("The secret that passwords kept in ZooKeeper are encrypted with."),
    unset("sasl.client.callback.handler.class", ConfigType::Class).effect(SASL)
        .doc("The callback handler of SASL clients."),
    unset("sasl.login.callback.handler.class", ConfigType::Class).effect(SASL)
        .doc("The callback handler of logins."),
    unset("sasl.login.class", ConfigType::Class).effect(SASL)
        .doc("The class that logs in."),
    unset("sasl.login.connect.timeout.ms", ConfigType::Int).since(3, 3).effect(SASL)
        .doc("How long connecting to an identity provider may take, in ms."),
    unset("sasl.login.read.timeout.ms", ConfigType::Int).since(3, 3).effect(SASL)
        .doc("How long an identity provider may take to respond, in ms."),
    long("sasl.login.retry.backoff.max.ms", "10000").since(3, 3).effect(SASL)
        .doc("How long a login waits at most before it asks an identity provider again, in ms."),
    long("sasl.login.retry.backoff.ms", "100").since(3, 3).effect(SASL)
        .doc("How long a login waits at first before it asks an identity provider again, in ms."),
    text("sasl.mechanism.controller.protocol", "GSSAPI").since(3, 3).effect(SASL)
        .doc("The SASL mechanism towards controllers."),
    text("sasl.oauthbearer.assertion.algorithm", "RS256")
        .rule(Rule::OneOfAnyCase(&["ES256", "RS256"])).since(4, 1).effect(SASL)
        .doc("How the assertion is signed that the broker shows an identity provider."),
    unset("sasl.oauthbearer.assertion.claim.aud", ConfigType::String).since(4, 1).effect(SASL)
        .doc("For whom that assertion is."),
    int("sasl.oauthbearer.assertion.claim.exp.seconds", "300").between(0, 86400).since(4, 1)
        .effect(SASL)
        .doc("How long that assertion is valid, in seconds."),
    unset("sasl.oauthbearer.assertion.claim.iss", ConfigType::String).since(4, 1).effect(SASL)
        .doc("Who issues that assertion."),
    flag("sasl.oauthbearer.assertion.claim.jti.include", "false").since(4, 1).effect(SASL)
        .doc("Whether that assertion has a number of its own."),
    int("sasl.oauthbearer.assertion.claim.nbf.seconds", "60").between(0, 3600).since(4, 1)
        .effect(SASL)
        .doc("How long before its creation that assertion is valid, in seconds."),
    unset("sasl.oauthbearer.assertion.claim.sub", ConfigType::String).since(4, 1).effect(SASL)
        .doc("About whom that assertion is."),
    unset("sasl.oauthbearer.assertion.file", ConfigType::String).since(4, 1).effect(SASL)
        .doc("A file with an assertion that somebody else made."),
    unset("sasl.oauthbearer.assertion.private.key.file", ConfigType::String).since(4, 1)
        .effect(SASL)
        .doc("The file with the key that signs the assertion."),
    unset("sasl.oauthbearer.assertion.private.key.passphrase", ConfigType::Password).since(4, 1)
        .effect(SASL)
        .doc("The password of that key."),
    unset("sasl.oauthbearer.assertion.template.file", ConfigType::String).since(4, 1).effect(SASL)
        .doc("A file with what else the assertion says."),
    unset("sasl.oauthbearer.client.credentials.client.id", ConfigType::String).since(4, 1)
        .effect(SASL)
        .doc("The name the broker has at an identity provider."),
    unset("sasl.oauthbearer.client.credentials.client.secret", ConfigType::Password).since(4, 1)
        .effect(SASL)
        .doc("The secret the broker has at an identity provider."),
    int("sasl.oauthbearer.clock.skew.seconds", "30").since(3, 3).effect(SASL)
        .doc("How far the clocks of broker and identity provider may differ, in seconds."),
    unset("sasl.oauthbearer.expected.audience", ConfigType::List).since(3, 3).effect(SASL)
        .doc("For whom tokens of clients must be."),
    unset("sasl.oauthbearer.expected.issuer", ConfigType::String).since(3, 3).effect(SASL)
        .doc("Who must have issued tokens of clients."),
    long("sasl.oauthbearer.jwks.endpoint.refresh.ms", "3600000").since(3, 3).effect(SASL)
        .doc("How often the identity provider's keys are fetched again, in ms."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "10000").since(3, 3).effect(SASL)
        .doc("How long fetching those keys waits at most after it failed, in ms."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "100").since(3, 3).effect(SASL)
        .doc("How long fetching those keys waits at first after it failed, in ms."),
    unset("sasl.oauthbearer.jwks.endpoint.url", ConfigType::String).since(3, 3).effect(SASL)
        .doc("Where the identity provider's keys are."),
    class("sasl.oauthbearer.jwt.retriever.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever")
        .since(4, 1).effect(SASL)
        .doc("The class that fetches tokens."),
    class("sasl.oauthbearer.jwt.validator.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator")
        .since(4, 1).effect(SASL)
        .doc("The class that checks tokens."),
    unset("sasl.oauthbearer.scope", ConfigType::String).since(4, 1).effect(SASL)
        .doc("The scope that the broker requests of an identity provider."),
    text("sasl.oauthbearer.scope.claim.name", "scope").since(3, 3).effect(SASL)
        .doc("Where in a token its scope is."),
    text("sasl.oauthbearer.sub.claim.name", "sub").since(3, 3).effect(SASL)
        .doc("Where in a token its subject is."),
    unset("sasl.oauthbearer.token.endpoint.url", ConfigType::String).since(3, 3).effect(SASL)
        .doc("Where tokens are fetched from."),
    unset("sasl.server.callback.handler.class", ConfigType::Class).effect(SASL)
        .doc("The callback handler of SASL servers."),
    int("sasl.server.max.receive.size", "524288").effect(SASL)
        .doc("How large a message may be before authentication, in bytes."),
    unset("security.providers", ConfigType::String).effect(JAVA)
        .doc("Java classes that bring security algorithms."),
    flag("ssl.allow.dn.changes", "false").since(3, 7).effect(TLS)
        .doc("Whether a new certificate may have another distinguished name."),
    flag("ssl.allow.san.changes", "false").since(3, 7).effect(TLS)
        .doc("Whether a new certificate may lack alternative names the old one had."),
];
