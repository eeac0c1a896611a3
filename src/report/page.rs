//! Interim.
use super::set::Set;
use crate::error::Result;
pub fn page(_set: &Set) -> Result<String> {
    Ok(String::new())
}
