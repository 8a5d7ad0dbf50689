use super::*;
use crate::{
    credentials::{AccessKey, Credentials},
    timestamp::parse_amz_date,
};

const DATE: &str = "20150830T123600Z";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// One vector: the signed request, and the signature that AWS's test suite or its own SDK for
/// Python gives for it.
struct Vector {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signature: &'static str,
}

type Headers = Vec<(String, String)>;

const HOST: (&str, &str) = ("host", "example.amazonaws.com");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

const fn vector(
    name: &'static str,
    path: &'static str,
    query: &'static str,
    signature: &'static str,
) -> Vector {
    Vector { name, method: "GET", path, query, headers: &[HOST], body: "", signature }
}

/// Vectors of AWS's published Signature Version 4 test suite (credentials AKIDEXAMPLE, region
/// us-east-1, service `service`), by their names there. A path that the suite gives unencoded is
/// given so here.
const PUBLISHED: &[Vector] = &[
    vector(
        "get-vanilla",
        "/",
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    vector(
        "get-vanilla-query-order-key-case",
        "/",
        "Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    vector(
        "get-vanilla-utf8-query",
        "/",
        "%E1%88%B4=bar",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    vector(
        "get-utf8",
        "/ሴ",
        "",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    vector(
        "get-unreserved",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    vector(
        "get-slashes",
        "//example//",
        "",
        "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
    ),
    vector(
        "get-slash",
        "//",
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    vector(
        "get-relative-relative",
        "/example1/example2/../..",
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    vector(
        "get-slash-pointless-dot",
        "/./example",
        "",
        "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
    ),
    Vector {
        headers: &[
            HOST,
            ("my-header1", "value2"),
            ("my-header1", "value2"),
            ("my-header1", "value1"),
        ],
        ..vector(
            "get-header-key-duplicate",
            "/",
            "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        )
    },
    Vector {
        headers: &[HOST, ("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        ..vector(
            "get-header-value-trim",
            "/",
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        )
    },
    Vector {
        method: "POST",
        ..vector(
            "post-vanilla",
            "/",
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        )
    },
    Vector {
        method: "POST",
        ..vector(
            "post-vanilla-query",
            "/",
            "Param1=value1",
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        )
    },
    Vector {
        method: "POST",
        headers: &[HOST, FORM],
        body: "Param1=value1",
        ..vector(
            "post-x-www-form-urlencoded",
            "/",
            "",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        )
    },
];

const ARN: &str = "arn%3Aaws%3Akafka%3Aus-east-1%3A000000000000%3Acluster%2Fdemo%2F\
                   0a1b2c3d-0000-4000-8000-000000000001-3";
const LOCAL: (&str, &str) = ("host", "127.0.0.1:8085");

fn verifier(service: &str) -> Verifier {
    Verifier::new(Credentials::of(AccessKey::new("AKIDEXAMPLE", SECRET)), "us-east-1", service)
}

fn now() -> i64 {
    parse_amz_date(DATE).unwrap()
}

/// Verifies a request after `change` changed its headers and signature.
fn verify(
    vector: &Vector,
    service: &str,
    change: impl FnOnce(&mut Headers),
    wall_ms: i64,
) -> Result<(), SigV4Error> {
    let mut headers: Headers =
        vector.headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    headers.push(("x-amz-date".to_owned(), DATE.to_owned()));
    let mut signed: Vec<&str> = headers.iter().map(|(n, _)| n.as_str()).collect();
    signed.sort_unstable();
    signed.dedup();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, \
         SignedHeaders={}, Signature={}",
        signed.join(";"),
        vector.signature
    );
    headers.push(("authorization".to_owned(), authorization));
    change(&mut headers);
    let headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    let request = HttpRequest {
        method: vector.method,
        path: vector.path,
        query: vector.query,
        headers: &headers,
        body: vector.body.as_bytes(),
    };
    verifier(service).verify(&request, wall_ms).map(|_| ())
}

#[test]
fn published_vectors_verify() {
    for vector in PUBLISHED {
        assert_eq!(verify(vector, "service", |_| {}, now()), Ok(()), "{}", vector.name);
    }
}

#[test]
fn published_vectors_sign() {
    let signer = Signer::new(AccessKey::new("AKIDEXAMPLE", SECRET), "us-east-1", "service");
    for vector in PUBLISHED {
        let headers: Vec<(&str, &[u8])> =
            vector.headers.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        let request = HttpRequest {
            method: vector.method,
            path: vector.path,
            query: vector.query,
            headers: &headers,
            body: vector.body.as_bytes(),
        };
        let [_, (_, authorization)] = signer.headers(&request, now());
        assert!(authorization.ends_with(vector.signature), "{}: {authorization}", vector.name);
    }
}

/// Signatures that botocore 1.43 gives for requests to the MSK API.
#[test]
fn encoded_arns_are_signed_with_the_path_encoded_twice() {
    let nodes = format!("/v1/clusters/{ARN}/nodes");
    let tags = format!("/v1/tags/{ARN}");
    let json = ("content-type", "application/json");
    let cases = [
        (
            "GET",
            nodes.as_str(),
            "maxResults=5",
            vec![LOCAL],
            "",
            "73161110da703f89d66918b316d084a173c03510d1c1648b1dce90cd0702f651",
        ),
        (
            "POST",
            "/v1/clusters",
            "",
            vec![LOCAL, json],
            "{\"clusterName\":\"x\"}",
            "b866e2ea049344fea55258ad40716ba8c9c3b2ee7e587b816dde24a3427f4ac5",
        ),
    ];
    let signer = Signer::new(AccessKey::new("AKIDEXAMPLE", SECRET), "us-east-1", "kafka");
    for (method, path, query, headers, body, signature) in cases {
        let headers: Vec<(&str, &[u8])> = headers.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        let request = HttpRequest { method, path, query, headers: &headers, body: body.as_bytes() };
        let [_, (_, authorization)] = signer.headers(&request, now());
        assert!(authorization.ends_with(signature), "{path}: {authorization}");
    }
    // Repeated and encoded parameters have one canonical form, in any form that the client wrote.
    for query in
        ["tagKeys=b&tagKeys=a%20b&tagKeys=%C3%A4~", "tagKeys=%c3%a4%7e&tagKeys=a%20b&tagKeys=%62"]
    {
        let headers: &[(&str, &[u8])] = &[("host", b"127.0.0.1:8085")];
        let request = HttpRequest { method: "DELETE", path: &tags, query, headers, body: b"" };
        let [date, authorization] = signer.headers(&request, now());
        let headers = [
            headers,
            &[(date.0, date.1.as_bytes()), (authorization.0, authorization.1.as_bytes())],
        ]
        .concat();
        verifier("kafka").verify(&HttpRequest { headers: &headers, ..request }, now()).unwrap();
    }
}

#[test]
fn presigned_urls_verify_until_they_expire() {
    let headers: &[(&str, &[u8])] = &[("host", b"127.0.0.1:8085")];
    let plain = HttpRequest {
        method: "GET",
        path: "/v1/clusters",
        query: "maxResults=2",
        headers,
        body: b"",
    };
    let signer = Signer::new(AccessKey::new("AKIDEXAMPLE", SECRET), "us-east-1", "kafka");
    let query = signer.presigned_query(&plain, now(), 900);
    // The signature that botocore gives for the same URL.
    assert!(
        query.ends_with("33ba5fd959d482d08f8d0473eeef94f07e346d40329430ef73f9c4216ae2ae2e"),
        "{query}"
    );
    let request = HttpRequest { query: &query, ..plain };
    let verifier = verifier("kafka");
    assert!(verifier.verify(&request, now()).is_ok());
    assert!(verifier.verify(&request, now() + 899_000).is_ok());
    assert_eq!(
        verifier.verify(&request, now() + 901_000),
        Err(SigV4Error::Expired("20150830T125100Z".to_owned()))
    );
    assert!(matches!(
        verifier.verify(&request, now() - 901_000),
        Err(SigV4Error::ClockSkew { .. })
    ));
    let changed = query.replace("maxResults=2", "maxResults=3");
    let request = HttpRequest { query: &changed, ..plain };
    assert!(matches!(verifier.verify(&request, now()), Err(SigV4Error::SignatureMismatch(_))));
    let endless = query.replace("X-Amz-Expires=900", "X-Amz-Expires=604801");
    let request = HttpRequest { query: &endless, ..plain };
    assert!(matches!(
        verifier.verify(&request, now()),
        Err(SigV4Error::Malformed { part: "X-Amz-Expires", .. })
    ));
}

fn replace(headers: &mut [(String, String)], name: &str, from: &str, to: &str) {
    for (_, value) in headers.iter_mut().filter(|(n, _)| n == name) {
        *value = value.replace(from, to);
    }
}

#[test]
fn each_error_names_the_part_that_does_not_fit() {
    let form = PUBLISHED.last().unwrap();
    let check =
        |change: &dyn Fn(&mut Headers)| verify(form, "service", |h| change(h), now()).unwrap_err();
    assert_eq!(check(&|h| h.retain(|(n, _)| n != "authorization")), SigV4Error::Unsigned);
    assert!(matches!(
        check(&|h| h.retain(|(n, _)| n != "x-amz-date")),
        SigV4Error::Malformed { .. }
    ));
    assert!(matches!(
        check(&|h| replace(h, "authorization", "AWS4-", "AWS3-")),
        SigV4Error::Malformed { .. }
    ));
    assert!(matches!(
        check(&|h| replace(h, "authorization", "Signature", "Sig")),
        SigV4Error::Malformed { .. }
    ));
    assert!(matches!(
        check(&|h| replace(h, "authorization", "/20150830", "")),
        SigV4Error::Malformed { .. }
    ));
    assert!(matches!(
        check(&|h| replace(h, "authorization", "AKIDEXAMPLE", "AKIDOTHER")),
        SigV4Error::UnknownAccessKey(id) if id == "AKIDOTHER"
    ));
    for (from, to, part) in [
        ("us-east-1", "eu-west-1", "region"),
        ("/service/", "/kafka/", "service"),
        ("/20150830", "/20150831", "day"),
    ] {
        let error = check(&|h| replace(h, "authorization", from, to));
        assert!(matches!(error, SigV4Error::Scope { part: p, .. } if p == part), "{error}");
    }
    assert_eq!(
        check(&|h| h.push(("x-amz-target".into(), "t".into()))),
        SigV4Error::HeaderNotSigned("x-amz-target".into())
    );
    assert_eq!(
        check(&|h| replace(h, "authorization", "content-type;host", "content-type")),
        SigV4Error::HeaderNotSigned("host".into())
    );
    assert_eq!(
        check(&|h| h.retain(|(n, _)| n != "content-type")),
        SigV4Error::HeaderMissing("content-type".into())
    );
    assert!(matches!(
        check(&|h| replace(h, "authorization", "3a", "3b")),
        SigV4Error::SignatureMismatch(_)
    ));
    assert!(matches!(
        check(&|h| replace(h, "content-type", "form", "from")),
        SigV4Error::SignatureMismatch(_)
    ));
    let late = verify(form, "service", |_| {}, now() + 15 * 60_000 + 1).unwrap_err();
    assert!(matches!(late, SigV4Error::ClockSkew { .. }), "{late}");
    assert_eq!(verify(form, "service", |_| {}, now() - 15 * 60_000), Ok(()));
    let other_body = Vector { body: "Param1=value2", ..vector("", "/", "", form.signature) };
    let other_body = Vector { method: "POST", headers: form.headers, ..other_body };
    assert!(matches!(
        verify(&other_body, "service", |_| {}, now()),
        Err(SigV4Error::SignatureMismatch(_))
    ));
}

#[test]
fn the_stated_payload_hash_must_be_that_of_the_body() {
    let signer = Signer::new(AccessKey::new("AKIDEXAMPLE", SECRET), "us-east-1", "kafka");
    let outcome = |stated: &str| {
        let headers: &[(&str, &[u8])] =
            &[("host", b"h"), ("x-amz-content-sha256", stated.as_bytes())];
        let request = HttpRequest { method: "POST", path: "/", query: "", headers, body: b"{}" };
        let [date, authorization] = signer.headers(&request, now());
        let headers = [
            headers,
            &[(date.0, date.1.as_bytes()), (authorization.0, authorization.1.as_bytes())],
        ]
        .concat();
        verifier("kafka").verify(&HttpRequest { headers: &headers, ..request }, now()).map(|_| ())
    };
    assert_eq!(outcome(&sha256_hex(b"{}")), Ok(()));
    assert_eq!(outcome(&sha256_hex(b"[]")), Err(SigV4Error::PayloadMismatch));
    assert_eq!(outcome("UNSIGNED-PAYLOAD"), Ok(()));
    assert!(matches!(
        outcome("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        Err(SigV4Error::Malformed { .. })
    ));
}

#[test]
fn no_error_shows_the_secret_and_no_bytes_panic() {
    let mut text = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kafka/aws4_request, {SECRET}"
    );
    while !text.is_empty() {
        let headers: &[(&str, &[u8])] = &[
            ("host", b"\xff\xfe"),
            ("authorization", text.as_bytes()),
            ("x-amz-date", DATE.as_bytes()),
        ];
        let request =
            HttpRequest { method: "GET", path: "/%zz/%", query: "%&=&a=%f&&", headers, body: b"" };
        let error = verifier("kafka").verify(&request, now()).unwrap_err();
        assert!(!error.to_string().contains(SECRET), "{error}");
        text.pop();
    }
}
