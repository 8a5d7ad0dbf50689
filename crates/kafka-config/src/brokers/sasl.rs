//! SASL logins, OAuth, delegation tokens, passwords.

use crate::{
    definition::{ConfigType, Definition, between, class, flag, int, long, min, text, unset},
    effect::{JAVA, PASSWORDS, SASL, TLS, TOKENS},
    value::Rule,
};

pub(super) const SASL_SETTINGS: &[Definition] = &[
    long(
        "delegation.token.expiry.check.interval.ms",
        "3600000",
        min(1),
        "How often it is looked for tokens that have expired, in ms.",
    )
    .does(TOKENS),
    long(
        "delegation.token.expiry.time.ms",
        "86400000",
        min(1),
        "How long a token lasts unless it is renewed, in ms.",
    )
    .does(TOKENS),
    long(
        "delegation.token.max.lifetime.ms",
        "604800000",
        min(1),
        "How long a token can be renewed, in ms.",
    )
    .does(TOKENS),
    unset(
        "delegation.token.secret.key",
        ConfigType::Password,
        Rule::Any,
        "The secret that tokens are signed with.",
    )
    .does(TOKENS),
    unset(
        "delegation.token.master.key",
        ConfigType::Password,
        Rule::Any,
        "The older name of delegation.token.secret.key.",
    )
    .until(4, 0)
    .does(TOKENS),
    text(
        "password.encoder.cipher.algorithm",
        "AES/CBC/PKCS5Padding",
        Rule::Any,
        "The cipher of passwords kept in ZooKeeper.",
    )
    .until(4, 0)
    .does(PASSWORDS),
    int(
        "password.encoder.iterations",
        "4096",
        min(1024),
        "How many rounds it takes to make the key of such passwords.",
    )
    .until(4, 0)
    .does(PASSWORDS),
    int(
        "password.encoder.key.length",
        "128",
        min(8),
        "How long the key of such passwords is, in bits.",
    )
    .until(4, 0)
    .does(PASSWORDS),
    unset(
        "password.encoder.keyfactory.algorithm",
        ConfigType::String,
        Rule::Any,
        "How the key of such passwords is made.",
    )
    .until(4, 0)
    .does(PASSWORDS),
    unset(
        "password.encoder.old.secret",
        ConfigType::Password,
        Rule::Any,
        "The secret that passwords were encrypted with before it changed.",
    )
    .until(4, 0)
    .does(PASSWORDS),
    unset(
        "password.encoder.secret",
        ConfigType::Password,
        Rule::Any,
        "The secret that passwords kept in ZooKeeper are encrypted with.",
    )
    .until(4, 0)
    .does(PASSWORDS),
    unset(
        "sasl.client.callback.handler.class",
        ConfigType::Class,
        Rule::Any,
        "The class that answers what a SASL client is asked.",
    )
    .does(SASL),
    unset(
        "sasl.login.callback.handler.class",
        ConfigType::Class,
        Rule::Any,
        "The class that answers what a login is asked.",
    )
    .does(SASL),
    unset("sasl.login.class", ConfigType::Class, Rule::Any, "The class that logs in.").does(SASL),
    unset(
        "sasl.login.connect.timeout.ms",
        ConfigType::Int,
        Rule::Any,
        "How long connecting to an identity provider may take, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    unset(
        "sasl.login.read.timeout.ms",
        ConfigType::Int,
        Rule::Any,
        "How long an identity provider may take to answer, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    long(
        "sasl.login.retry.backoff.max.ms",
        "10000",
        Rule::Any,
        "How long a login waits at most before it asks an identity provider again, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    long(
        "sasl.login.retry.backoff.ms",
        "100",
        Rule::Any,
        "How long a login waits at first before it asks an identity provider again, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    text(
        "sasl.mechanism.controller.protocol",
        "GSSAPI",
        Rule::Any,
        "The SASL mechanism towards controllers.",
    )
    .since(3, 3)
    .does(SASL),
    text(
        "sasl.oauthbearer.assertion.algorithm",
        "RS256",
        Rule::OneOfAnyCase(&["ES256", "RS256"]),
        "How the assertion is signed that the broker shows an identity provider.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.claim.aud",
        ConfigType::String,
        Rule::Any,
        "For whom that assertion is.",
    )
    .since(4, 1)
    .does(SASL),
    int(
        "sasl.oauthbearer.assertion.claim.exp.seconds",
        "300",
        between(0, 86400),
        "How long that assertion is valid, in seconds.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.claim.iss",
        ConfigType::String,
        Rule::Any,
        "Who issues that assertion.",
    )
    .since(4, 1)
    .does(SASL),
    flag(
        "sasl.oauthbearer.assertion.claim.jti.include",
        "false",
        "Whether that assertion has a number of its own.",
    )
    .since(4, 1)
    .does(SASL),
    int(
        "sasl.oauthbearer.assertion.claim.nbf.seconds",
        "60",
        between(0, 3600),
        "How long before it is made that assertion is valid, in seconds.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.claim.sub",
        ConfigType::String,
        Rule::Any,
        "About whom that assertion is.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.file",
        ConfigType::String,
        Rule::Any,
        "A file with an assertion that somebody else made.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.private.key.file",
        ConfigType::String,
        Rule::Any,
        "The file with the key that signs the assertion.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.private.key.passphrase",
        ConfigType::Password,
        Rule::Any,
        "The password of that key.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.assertion.template.file",
        ConfigType::String,
        Rule::Any,
        "A file with what else the assertion says.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.client.credentials.client.id",
        ConfigType::String,
        Rule::Any,
        "The name the broker has at an identity provider.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.client.credentials.client.secret",
        ConfigType::Password,
        Rule::Any,
        "The secret the broker has at an identity provider.",
    )
    .since(4, 1)
    .does(SASL),
    int(
        "sasl.oauthbearer.clock.skew.seconds",
        "30",
        Rule::Any,
        "How far the clocks of broker and identity provider may differ, in seconds.",
    )
    .since(3, 3)
    .does(SASL),
    unset(
        "sasl.oauthbearer.expected.audience",
        ConfigType::List,
        Rule::Any,
        "For whom tokens of clients must be.",
    )
    .since(3, 3)
    .does(SASL),
    unset(
        "sasl.oauthbearer.expected.issuer",
        ConfigType::String,
        Rule::Any,
        "Who must have issued tokens of clients.",
    )
    .since(3, 3)
    .does(SASL),
    long(
        "sasl.oauthbearer.jwks.endpoint.refresh.ms",
        "3600000",
        Rule::Any,
        "How often the identity provider's keys are fetched again, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    long(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        "10000",
        Rule::Any,
        "How long fetching those keys waits at most after it failed, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    long(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
        "100",
        Rule::Any,
        "How long fetching those keys waits at first after it failed, in ms.",
    )
    .since(3, 3)
    .does(SASL),
    unset(
        "sasl.oauthbearer.jwks.endpoint.url",
        ConfigType::String,
        Rule::Any,
        "Where the identity provider's keys are.",
    )
    .since(3, 3)
    .does(SASL),
    class(
        "sasl.oauthbearer.jwt.retriever.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
        "The class that fetches tokens.",
    )
    .since(4, 1)
    .does(SASL),
    class(
        "sasl.oauthbearer.jwt.validator.class",
        "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
        "The class that checks tokens.",
    )
    .since(4, 1)
    .does(SASL),
    unset(
        "sasl.oauthbearer.scope",
        ConfigType::String,
        Rule::Any,
        "The scope the broker asks an identity provider for.",
    )
    .since(4, 1)
    .does(SASL),
    text("sasl.oauthbearer.scope.claim.name", "scope", Rule::Any, "Where in a token its scope is.")
        .since(3, 3)
        .does(SASL),
    text("sasl.oauthbearer.sub.claim.name", "sub", Rule::Any, "Where in a token its subject is.")
        .since(3, 3)
        .does(SASL),
    unset(
        "sasl.oauthbearer.token.endpoint.url",
        ConfigType::String,
        Rule::Any,
        "Where tokens are fetched from.",
    )
    .since(3, 3)
    .does(SASL),
    unset(
        "sasl.server.callback.handler.class",
        ConfigType::Class,
        Rule::Any,
        "The class that checks what SASL clients answer.",
    )
    .does(SASL),
    int(
        "sasl.server.max.receive.size",
        "524288",
        Rule::Any,
        "How large a message may be before authentication, in bytes.",
    )
    .does(SASL),
    unset(
        "security.providers",
        ConfigType::String,
        Rule::Any,
        "Java classes that bring security algorithms.",
    )
    .does(JAVA),
    flag(
        "ssl.allow.dn.changes",
        "false",
        "Whether a new certificate may have another distinguished name.",
    )
    .since(3, 7)
    .does(TLS),
    flag(
        "ssl.allow.san.changes",
        "false",
        "Whether a new certificate may lack alternative names the old one had.",
    )
    .since(3, 7)
    .does(TLS),
];
