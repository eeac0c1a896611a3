//! The form of a signature, before any key is tried, and where it was found.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::Signature;
use super::super::wire::Object;
use super::fields::stated_exactly;
use crate::envelope::Envelope;
use crate::record::SignatureClass;

/// The signature of a v1 or v2 body: `signature`, or the older `sec_key`, with the timestamp it covers.
pub fn of_body(object: &Object) -> Signature {
    let value = object.text(&["signature", "sec_key"]).map(|text| text.into_owned());
    Signature {
        class: value.as_deref().map_or(SignatureClass::Absent, classify),
        value,
        timestamp: object.text(&["timestamp"]).map(|text| text.into_owned()),
    }
}

/// The signature of a v3 callback: in the headers, if they were stored; never in the body.
pub fn of_headers(envelope: &Envelope) -> Signature {
    Signature {
        class: SignatureClass::HeaderOnlyScheme,
        value: envelope.header("Response-Signature").map(str::to_owned),
        timestamp: envelope.header("Response-Timestamp").map(str::to_owned),
    }
}

/// The form of a signature value.
pub fn classify(value: &str) -> SignatureClass {
    let value = value.trim();
    if let Some((rsa, hash)) = value.split_once('|') {
        let rsa: String = rsa.split_whitespace().collect();
        let intact = is_base64_text(&rsa) && is_sha256_hex(hash.trim());
        return if intact { SignatureClass::SecKey } else { SignatureClass::Damaged };
    }
    if value.len() == 44 && STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == 32) {
        SignatureClass::Hmac44
    } else if is_sha256_hex(value) {
        SignatureClass::Unkeyed64
    } else {
        SignatureClass::Damaged
    }
}

/// Whether the body carries a signature under the current or the old name.
pub fn is_signed(object: &Object) -> bool {
    object.has("signature") || stated_exactly(object, "sec_key").is_some()
}

fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Only the alphabet: published examples of the RSA half were shortened without a trace in their form.
fn is_base64_text(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_recognised() {
        let hash = "ab".repeat(32);
        let hmac = STANDARD.encode([7_u8; 32]);
        assert_eq!(classify(&hmac), SignatureClass::Hmac44);
        assert_eq!(classify(&hash), SignatureClass::Unkeyed64);
        assert_eq!(classify(&format!("AbC+/d Ef   Gh=|{hash}")), SignatureClass::SecKey);
        for damaged in ["...", "<your signature>", "Qx3...", &hash[1..], &hmac[1..], "hmac(timestamp)", "AbC=|12ab"] {
            assert_eq!(classify(damaged), SignatureClass::Damaged, "{damaged}");
        }
        assert_eq!(classify(&format!("Ab...|{hash}")), SignatureClass::Damaged);
    }

    #[test]
    fn the_signed_timestamp_is_kept_as_sent() {
        let object = Object::parse(r#"{"sec_key":"...","timestamp":1570698930193}"#).expect("well-formed");
        let signature = of_body(&object);
        assert_eq!(signature.timestamp.as_deref(), Some("1570698930193"));
        assert_eq!(signature.class, SignatureClass::Damaged);
        assert_eq!(of_body(&Object::default()), Signature::absent());
    }
}
