//! Netverify callbacks and authentications: flat payloads with one verdict word.

use super::verification;
use crate::provider::wire::Object;
use crate::provider::{Decoded, Statement, country, stated};
use crate::record::{Kind, Product, Provider};

/// A Netverify callback, as a form or re-encoded.
pub fn callback(object: &Object) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), Kind::Callback);
    let problems = &mut decoded.problems;
    let verdict = stated::word(object, &["verificationStatus"]).map(corrected);
    if verdict.is_none() {
        problems.push("verificationStatus is missing".to_owned());
    }
    stated::check_dates(object, &["idDob", "idExpiry", "issuingDate"], problems);
    let reject = verification::reject(object, problems);
    let face = verification::face(object, problems);
    let approved = verdict.as_deref().is_some_and(is_approved);
    let scan_failed = stated::word(object, &["idScanStatus"]).as_deref() == Some("ERROR");
    if approved && reject.is_some() {
        problems.push("rejectReason beside APPROVED_VERIFIED".to_owned());
    } else if approved && scan_failed {
        problems.push("idScanStatus ERROR beside APPROVED_VERIFIED".to_owned());
    }
    let objection = face.as_ref().filter(|_| approved).and_then(|f| f.objection());
    decoded.stated_at = stated::time(object, &["callbackDate", "timestamp"], problems);
    let requested_at = stated::time(object, &["transactionDate", "firstAttemptDate"], problems);
    decoded.checks = verification::checks(object, face.as_ref(), reject.as_ref());
    decoded.statements.push(Statement {
        product: Some(Product::Netverify),
        provider_job_id: stated::text(object, &["jumioIdScanReference", "scanReference"]),
        partner_job_id: stated::text(object, &["merchantIdScanReference", "merchantScanReference"]),
        user_id: stated::text(object, &["customerId"]),
        id_number: stated::text(object, &["idNumber"]),
        result_code: verdict,
        error_code: objection.or_else(|| reject.and_then(|r| r.code)),
        country: country_of(object, &["idCountry"], problems),
        id_type: stated::word(object, &["idType"]),
        similarity_score: face.and_then(|f| f.score),
        merchant_reporting_criteria: stated::text(object, &["merchantReportingCriteria"]),
        id_scan_source: stated::text(object, &["idScanSource"]),
        stated_at: decoded.stated_at.or(requested_at),
        requested_at,
        ..Statement::default()
    });
    decoded
}

/// An authentication: a returning user's face against the one enrolled.
pub fn authentication(object: &Object, kind: Kind) -> Decoded {
    let mut decoded = Decoded::new(Some(Provider::Jumio), kind);
    let problems = &mut decoded.problems;
    let result = stated::word(object, &["transactionResult"]);
    if result.is_none() {
        problems.push("transactionResult is missing".to_owned());
    }
    decoded.stated_at = stated::time(object, &["callbackDate", "timestamp"], problems);
    let requested_at = stated::time(object, &["transactionDate"], problems);
    decoded.statements.push(Statement {
        product: Some(Product::Authentication),
        provider_job_id: stated::text(object, &["transactionReference"]),
        partner_job_id: stated::text(object, &["merchantScanReference", "merchantIdScanReference"]),
        user_id: stated::text(object, &["userReference", "customerId"]),
        result_code: result,
        merchant_reporting_criteria: stated::text(object, &["merchantReportingCriteria"]),
        id_scan_source: stated::text(object, &["scanSource", "idScanSource"]),
        stated_at: decoded.stated_at.or(requested_at),
        requested_at,
        ..Statement::default()
    });
    decoded
}

/// Whether a verdict approves the document.
pub fn is_approved(verdict: &str) -> bool {
    verdict == "APPROVED_VERIFIED"
}

/// The verdict word without the misprint of Jumio's guide.
pub fn corrected(verdict: String) -> String {
    if verdict == "APPROVED_VERIFED" { "APPROVED_VERIFIED".to_owned() } else { verdict }
}

/// The first of these fields that is stated, as alpha-2. One that is no country gives a problem.
pub fn country_of(object: &Object, names: &[&str], problems: &mut Vec<String>) -> Option<String> {
    let stated = stated::text(object, names)?;
    let code = country::alpha2(&stated);
    if code.is_none() {
        problems.push(format!("{} is not a country", names[0]));
    }
    code.map(str::to_owned)
}
