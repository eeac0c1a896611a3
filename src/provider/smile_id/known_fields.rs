//! The names of Smile ID's fields, per message: what is not here is reported as an unknown field.
//!
//! From the documentation of the messages (seeds 000 to 002, PROVIDERS.md 1.5 to 1.9), the published payloads, and what
//! integrators make of them as far as it is usual (flattened results, columns in camel case). Sorted as
//! [`wire::same_name`](crate::provider::wire::same_name) compares.

/// Every list.
#[cfg(test)]
pub const ALL: &[&[&str]] =
    &[RESULT, JOB_STATUS, V2, V3, ID_STATUS, ANSWER, SERVICE, ACTIONS, &super::actions::NAMES, WRAPPED];

/// A v1 result: callbacks, the `result` and the `history` of a `job_status` answer, synchronous answers.
pub const RESULT: &[&str] = &[
    "Actions",
    "Address",
    "Antifraud",
    "beneficial_owners",
    "company_information",
    "ConfidenceValue",
    "Country",
    "DateOfDeath",
    "directors",
    "DOB",
    "Document",
    "documents",
    "environment",
    "ExpirationDate",
    "fiduciaries",
    "FirstName",
    "FullData",
    "FullName",
    "Gender",
    "history",
    "id_info",
    "IDNumber",
    "IDNumberPreviouslyRegistered",
    "IDType",
    "ImageLinks",
    "IsAlive",
    "IsFinalResult",
    "IsMachineResult",
    "IssuanceDate",
    "job_id",
    "job_type",
    "JSONVersion",
    "kyb_receipt",
    "KYCReceipt",
    "LastName",
    "MiddleName",
    "Nationality",
    "no_of_persons_found",
    "OtherName",
    "OtherNames",
    "partner_id",
    "partner_job_id",
    "PartnerParams",
    "people",
    "PhoneNumber",
    "PhoneNumber2",
    "Photo",
    "product",
    "proprietors",
    "RegionOfOrigin",
    "ResultCode",
    "ResultText",
    "ResultType",
    "search_number",
    "sec_key",
    "Secondary_ID_Number",
    "signature",
    "SmileJobID",
    "Source",
    "status",
    "StrictMatch",
    "success",
    "SuspectUsers",
    "timestamp",
    "user_id",
    "user_ids_of_previous_registrants",
];

/// What stands around the result in a `job_status` answer, with what SDKs merge into it (PROVIDERS.md 1.6).
pub const JOB_STATUS: &[&str] = &[
    "camera_config",
    "code",
    "error",
    "history",
    "image_links",
    "job_complete",
    "job_id",
    "job_success",
    "kyb_receipt",
    "kyc_receipt",
    "message",
    "partner_id",
    "partner_params",
    "ref_id",
    "result",
    "sec_key",
    "signature",
    "smile_job_id",
    "success",
    "timestamp",
    "upload_url",
    "user_id",
];

/// A v2 SmartSelfie answer (PROVIDERS.md 1.6).
pub const V2: &[&str] = &[
    "code",
    "created_at",
    "job_id",
    "job_type",
    "message",
    "partner_id",
    "partner_params",
    "signature",
    "status",
    "timestamp",
    "updated_at",
    "user_id",
];

/// A v3 result, by webhook or asked for (PROVIDERS.md 1.8).
pub const V3: &[&str] = &[
    "antifraud",
    "completed_at",
    "consent",
    "created_at",
    "device_signals",
    "id_fields",
    "image_links",
    "job_id",
    "kyc_receipt",
    "message",
    "partner_params",
    "product",
    "reason",
    "status",
    "user_id",
    "user_provided_info",
];

/// An availability answer (seed 002), and of what the request named.
pub const ID_STATUS: &[&str] = &[
    "country",
    "environment",
    "id_type",
    "last_checked",
    "last_check_status",
    "last_check_success_rate",
    "last_hour_success_rate",
    "last_known_status",
];

/// Acknowledgements and refusals of v1, v2 and v3 requests (PROVIDERS.md 1.4 and 1.8).
pub const ANSWER: &[&str] = &[
    "camera_config",
    "code",
    "created_at",
    "error",
    "errors",
    "job_id",
    "message",
    "partner_id",
    "partner_params",
    "reason",
    "ref_id",
    "result",
    "sec_key",
    "signature",
    "smile_job_id",
    "status",
    "success",
    "timestamp",
    "upload_url",
    "user_id",
];

/// Answers that state nothing about a verification: services, documents, tokens, sessions (PROVIDERS.md 1.10).
pub const SERVICE: &[&str] = &[
    "bank_codes",
    "callback_url",
    "code",
    "consentRequired",
    "enterpriseId",
    "error",
    "hosted_web",
    "idSelection",
    "id_types",
    "modes",
    "partner_id",
    "partner_params",
    "session_id",
    "signature",
    "success",
    "timestamp",
    "token",
    "valid_documents",
];

/// What `Actions` may have beside the checks that `actions` names.
pub const ACTIONS: &[&str] = &["DOB", "Gender", "ID_Verification", "Listed", "Names", "Phone_Number"];

/// What an integrator puts around a result or an error of Smile ID.
pub const WRAPPED: &[&str] = &[
    "category",
    "code",
    "complete",
    "completedAt",
    "_debug",
    "error",
    "jobId",
    "message",
    "passed",
    "pending",
    "reason",
    "resultCode",
    "resultText",
    "status",
    "success",
    "timestamp",
    "underReview",
    "user_id",
];
