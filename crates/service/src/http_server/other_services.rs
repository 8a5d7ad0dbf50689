//! What requests for other AWS services get: an error that says so, in the form in which clients of
//! that service read errors.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::Full;

/// The form of a service's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorForm {
    /// JSON with `__type`: what names its operation in X-Amz-Target.
    Json,
    /// JSON with the exception in a header, as MSK's own.
    RestJson,
    /// CBOR with `__type`.
    Cbor,
    /// XML as of the query protocol.
    Xml,
    Ec2Xml,
    S3Xml,
}

/// Services whose requests look like REST with JSON, but whose errors are XML.
const REST_XML: [&str; 3] = ["cloudfront", "route53", "s3control"];

/// The response to a request that is signed for `service`.
pub(super) fn not_offered(
    service: &str,
    headers: &HeaderMap,
    request_id: &str,
) -> Response<Full<Bytes>> {
    let service: String =
        service.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let message = format!(
        "the AWS service '{service}' is not offered: this endpoint is Milena's, which has the API \
         of Amazon MSK (kafka) only; set the endpoint of '{service}' elsewhere"
    );
    let form = form(&service, headers);
    let (content_type, body) = body(form, headers, &message, request_id);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = match form {
        ErrorForm::RestJson => StatusCode::NOT_FOUND,
        ErrorForm::S3Xml => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut set = |name, value: &str| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(header::HeaderName::from_static(name), value);
        }
    };
    set("content-type", content_type);
    match form {
        ErrorForm::RestJson => set("x-amzn-errortype", CODE),
        ErrorForm::Cbor => set("smithy-protocol", "rpc-v2-cbor"),
        _ => {}
    }
    response
}

const CODE: &str = "UnknownOperationException";

fn form(service: &str, headers: &HeaderMap) -> ErrorForm {
    let is = |name: &str, value: &str| {
        headers.get(name).is_some_and(|found| found.as_bytes().starts_with(value.as_bytes()))
    };
    if headers.contains_key("x-amz-target") {
        ErrorForm::Json
    } else if is("smithy-protocol", "rpc-v2-cbor") {
        ErrorForm::Cbor
    } else if service == "ec2" {
        ErrorForm::Ec2Xml
    } else if service.starts_with("s3") && !REST_XML.contains(&service) {
        ErrorForm::S3Xml
    } else if is("content-type", "application/x-www-form-urlencoded") || REST_XML.contains(&service)
    {
        ErrorForm::Xml
    } else {
        ErrorForm::RestJson
    }
}

fn body<'a>(
    form: ErrorForm,
    headers: &'a HeaderMap,
    message: &str,
    request_id: &str,
) -> (&'a str, Vec<u8>) {
    let xml = |text: String| {
        ("text/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}").into_bytes())
    };
    match form {
        ErrorForm::Json => {
            let asked = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let json = serde_json::json!({"__type": CODE, "message": message});
            (asked.unwrap_or("application/x-amz-json-1.1"), json.to_string().into_bytes())
        }
        ErrorForm::RestJson => {
            ("application/json", serde_json::json!({"message": message}).to_string().into_bytes())
        }
        ErrorForm::Cbor => ("application/cbor", cbor(&[("__type", CODE), ("message", message)])),
        ErrorForm::Xml => xml(format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>{message}\
             </Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )),
        ErrorForm::Ec2Xml => xml(format!(
            "<Response><Errors><Error><Code>InvalidAction</Code><Message>{message}</Message>\
             </Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )),
        ErrorForm::S3Xml => xml(format!(
            "<Error><Code>NotImplemented</Code><Message>{message}</Message><RequestId>{request_id}\
             </RequestId></Error>"
        )),
    }
}

/// A map of texts, of which there are fewer than 24.
fn cbor(pairs: &[(&str, &str)]) -> Vec<u8> {
    const MAP: u8 = 0xa0;
    const TEXT_OF_TWO_LENGTH_BYTES: u8 = 0x79;
    let mut bytes = vec![MAP | pairs.len() as u8];
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.push(TEXT_OF_TWO_LENGTH_BYTES);
        bytes.extend((text.len() as u16).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn each_protocol_has_its_own_form() {
        let form_type = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let target = ("x-amz-target", "DynamoDB_20120810.ListTables");
        for (service, pairs, expected) in [
            ("dynamodb", &[target][..], ErrorForm::Json),
            ("monitoring", &[("smithy-protocol", "rpc-v2-cbor")], ErrorForm::Cbor),
            ("sts", &[form_type], ErrorForm::Xml),
            ("ec2", &[form_type], ErrorForm::Ec2Xml),
            ("s3", &[], ErrorForm::S3Xml),
            ("route53", &[], ErrorForm::Xml),
            ("kafkaconnect", &[("content-type", "application/json")], ErrorForm::RestJson),
        ] {
            assert_eq!(form(service, &headers(pairs)), expected, "{service}");
        }
    }

    #[test]
    fn the_name_of_a_service_cannot_change_the_form() {
        let response = not_offered("s3</Code>\n", &HeaderMap::new(), "id");
        assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
        let (_, body) = body(ErrorForm::S3Xml, &HeaderMap::new(), "no", "id");
        assert!(String::from_utf8(body).unwrap().contains("<Message>no</Message>"));
    }

    #[test]
    fn a_map_of_texts_is_written_as_cbor() {
        assert_eq!(cbor(&[("a", "bc")]), b"\xa1\x79\x00\x01a\x79\x00\x02bc");
    }
}
