//! The names of Advance.AI's fields: what is not here is reported as an unknown field.
//!
//! From the documentation of the answers (seed 003, PROVIDERS.md 2). Sorted as
//! [`wire::same_name`](crate::provider::wire::same_name) compares.

/// Every list.
#[cfg(test)]
pub const ALL: &[&[&str]] = &[ENVELOPE, CALLBACK, RESULT, OTHER];

/// What stands around every answer.
pub const ENVELOPE: &[&str] = &["code", "data", "extra", "message", "pricingStrategy", "transactionId"];

/// A callback: it carries no verdict.
pub const CALLBACK: &[&str] = &["signatureId", "timestamp", "type"];

/// The `data` of a verification or a database validation.
pub const RESULT: &[&str] = &[
    "address",
    "birthDate",
    "birthday",
    "bvn",
    "countryCodeIso3",
    "dateOfBirth",
    "docDatabaseDetail",
    "docDetail",
    "email",
    "errorCode",
    "faceDetail",
    "feeDetail",
    "firstName",
    "fullName",
    "gender",
    "idNumber",
    "idvResult",
    "inputParameters",
    "lastName",
    "middleName",
    "nin",
    "numberType",
    "numberTypeInfo",
    "numberValue",
    "overallResult",
    "phoneNumber",
    "phoneNumber2",
    "region",
    "signatureId",
    "submissionCompleted",
    "verification",
];

/// The `data` of answers without a result: a verification that was prepared, health, faces, licences, tokens.
pub const OTHER: &[&str] = &[
    "accessToken",
    "expiredTime",
    "expireTimestamp",
    "firstFace",
    "license",
    "licenseEffectiveSeconds",
    "livenessScore",
    "numberType",
    "secondFace",
    "signatureId",
    "similarity",
    "status",
    "url",
];
