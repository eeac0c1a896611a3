//! Every code word and text that the providers' pages, and the notes on them, name has a row.

use super::Catalogue;
use crate::record::Provider::{self, AdvanceAi, Jumio, SmileId};

/// Every code word and text that the providers' pages and the notes on them name.
const NAMED: [(Provider, &str); 12] = [
    (
        SmileId,
        "0001 0810 0811 0812 0813 0814 0816 0820 0821 0822 0823 0824 0825 0840 0841 0842 0843 0844 0846 0903 0907 0908 0911
         0921 0941 0912 0922 0942 1012 1013 1014 1015 1016 1017 1020 1021 1022 1023 1030 1031 1210 1220 1221 1222 1240 1241
         1242 2211 2212 2301 2302 2303 2304 2305 2307 2310 2313 2314 2201 2401 2202 2203 2204 2205 2405 2207 2208 2209 2210
         2213 2413 2215 2216 2220 2415 2428 2217",
    ),
    (
        SmileId,
        "clear block attention error processing not_found complete aml_match_found news_media_match high_risk
         service_unavailable internal_error image_unavailable_or_invalid content_policy_violated document_unclassifiable
         invalid_id_number information_outdated address_out_of_range name_mismatch no_address_on_record identifier_not_found
         accepted Accepted 408 approved pending rejected online interruption offline success failure",
    ),
    (
        SmileId,
        "Document_Check Human_Review_Compare Human_Review_Document_Check Human_Review_Liveness_Check Human_Review_Selfie_Check
         Human_Review_Update_Selfie Liveness_Check Register_Selfie Return_Personal_Info Selfie_Check Selfie_Provided
         Selfie_To_ID_Authority_Compare Selfie_To_ID_Card_Compare Selfie_To_Registered_Selfie_Compare
         Update_Registered_Selfie_On_File Verify_Document Verify_ID_Number Verify_Business Return_Business_Info Listed Names",
    ),
    (
        AdvanceAi,
        "SUCCESS SIGNATURE_NOT_EXIST ERROR PASS FAIL INCOMPLETE BVN_NOT_EXIST BVN_SUSPEND NUMBER_NOT_EXIST NAME_NOT_MATCH
         LIVENESS_ATTACK SIMILARITY_FAILED INVALID_FORMAT CAN_NOT_VERIFY FACE_QUALITY_TOO_POOR RISK_STRATEGY_HIT
         AGE_VERIFICATION_FAILED INFO_ABNORMAL NUMBER_DECEASED NUMBER_BLOCKED BVN_INVALID_FORMAT PARAMETER_ERROR USER_TIMEOUT
         RETRY_COUNT_REACH_MAX INVALID COMPLETED SUBMIT_COMPLETED",
    ),
    (AdvanceAi, "NO_FACE_DETECTED_FROM_FIRST_IMAGE NO_FACE_DETECTED_FROM_SECOND_IMAGE health unstable FREE PAY pass fail PENDING"),
    (
        Jumio,
        "APPROVED_VERIFIED DENIED_FRAUD DENIED_UNSUPPORTED_ID_TYPE DENIED_UNSUPPORTED_ID_COUNTRY ERROR_NOT_READABLE_ID
         NO_ID_UPLOADED DENIED_NAME_MISMATCH SUCCESS ERROR OK N/A MATCH NO_MATCH NOT_POSSIBLE TRUE FALSE",
    ),
    (
        Jumio,
        "SELFIE_CROPPED_FROM_ID ENTIRE_ID_USED_AS_SELFIE MULTIPLE_PEOPLE SELFIE_IS_SCREEN_PAPER_VIDEO SELFIE_MANIPULATED
         AGE_DIFFERENCE_TOO_BIG NO_FACE_PRESENT FACE_NOT_FULLY_VISIBLE BAD_QUALITY BLACK_AND_WHITE LIVENESS_FAILED MANUAL
         AUTOMATED VALIDITY_FALSE",
    ),
    (
        Jumio,
        "100 105 106 107 108 109 110 111 113 102 103 104 200 201 202 206 207 209 210 211 213 300 1001 1002 1003 1004 1005 1006
         1007 1008 1009 10011 2001 2002 2003 2004 2005 2006",
    ),
    (
        Jumio,
        "MANIPULATED_DOCUMENT FRAUDSTER FAKE PHOTO_MISMATCH MRZ_CHECK_FAILED PUNCHED_DOCUMENT CHIP_DATA_MANIPULATED
         MISMATCH_PRINTED_BARCODE_DATA MISMATCHING_DATA_REPEATED_FACE PHOTOCOPY_BLACK_WHITE PHOTOCOPY_COLOR DIGITAL_COPY
         NOT_READABLE_DOCUMENT NO_DOCUMENT SAMPLE_DOCUMENT MISSING_BACK WRONG_DOCUMENT_PAGE MISSING_SIGNATURE
         CAMERA_BLACK_WHITE DIFFERENT_PERSONS_SHOWN INVALID_WATERMARK MANUAL_REJECTION",
    ),
    (
        Jumio,
        "PHOTO DOCUMENT_NUMBER EXPIRY DOB NAME ADDRESS SECURITY_CHECKS SIGNATURE PERSONAL_NUMBER PLACE_OF_BIRTH BLURRED
         MISSING_PART MISSING_PART_DOCUMENT HIDDEN_PART HIDDEN_PART_DOCUMENT DAMAGED DAMAGED_DOCUMENT GLARE",
    ),
    (Jumio, "PENDING DONE FAILED UPLOADED EXTRACTED DISCARDED PASSED INVALID EXPIRED WARNING REJECTED NOT_EXECUTED"),
    (
        Jumio,
        "INITIATED ACQUISITION_STARTED ACQUIRED PROCESSING PROCESSED SESSION_EXPIRED TOKEN_EXPIRED POSITIVE PARTIAL NEGATIVE
         CHECK_NOT_DONE",
    ),
];

/// Texts the same sources show, one per line.
const TEXTS: &str = "Data Invalid
ID Authority image not available
ID Card image unusable
Selfie image unusable
Enroll User
Document Verified
Document Verified After Human Review
Failed Enroll Machine Judgement - FAIL - Compare Rejected
Unable to verify document – no face match
Unable to Verify Document - Failed Security Features Check
Provisional Enroll - Under Review
Unsupported document
Zip Corrupt
FAIL - Possible Spoof - Strict Setting
re-run the job when id authority is back online
No Face Found
Image Quality Judged Too Poor
Valid ID
ID Number Validated
ID Validated
Business Verified
Invalid ID
Unable to Validate ID
Error - Unsupported ID number format
Unable to validate ID - Unsupported ID number format - only test data may be used in the sandbox
Unable to validate ID - Unsupported ID type
Error - Queried Database Unavailable
Error - Need to Activate Product
Unable to validate ID - This feature is not enabled for your Smile ID account.
Unable to verify ID - This feature is not enabled for your Smile ID account.
Exact Match
Partial Match
No Match
Not Found
Enroll User. Human Judgement - PASS
Authenticated
(Mobile SDK Only) ID Validation Failed
(Mobile SDK Only) Error - HTTP Request Failed
No zip uploaded yet
No zip file received
Zip file failed
Job already exists. Did you mean to set the retry flag to true
Invalid job type.
Invalid product.
Unsupported business type
\"country\" must be one of [NG, ZA]
Error - You are not authorized to do that.
Error - Invalid JSON
Error - A required parameter is missing
Error - A parameter is of the wrong data type
Error - Production is not enabled for this account. Please complete your KYC with Smile ID.
Job not found
Insufficient wallet balance.
Request accepted and queued for processing.
Callback replay queued successfully.
Passed
Completed
Approved
Verified
Provisionally Approved
Returned
Not Returned
Failed
Rejected
Under Review
Unable To Determine
Not Applicable
Not Verified
Not Done
Issuer Unavailable
ID Authority Photo Not Available
Sent to Human Review
Transposed
Not Provided
Listed";

#[test]
fn every_named_word_has_a_row() {
    let catalogue = Catalogue::builtin();
    for (provider, words) in NAMED {
        for word in words.split_whitespace() {
            let known = catalogue.knows_code(provider, word)
                || catalogue.knows_error(provider, word)
                || catalogue.known_text(provider, word).is_some();
            assert!(known, "{} {word}", provider.word());
        }
    }
    for text in TEXTS.lines() {
        assert!(catalogue.known_text(SmileId, text).is_some(), "{text}");
    }
    for text in
        ["OK", "Server error", "This signatureId is not exist.", "No Face detected from the uploaded first picture"]
    {
        assert!(catalogue.known_text(AdvanceAi, text).is_some(), "{text}");
    }
}
