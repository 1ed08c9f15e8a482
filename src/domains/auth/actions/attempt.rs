//! Slows down whoever guesses passwords, by the account that they guess at and by their address.
//!
//! An attempt counts as a failure from its beginning, so that many at once gain nothing, and is
//! taken back when it was none. An account is known by the name that somebody signed in with,
//! whether or not there is such a person, so a refusal tells nothing; nor does it look at the
//! password. The way by a mailed link stays open, and forgets the failures.

use std::net::IpAddr;

use crate::infra::ratelimit::Check;
use crate::kernel::{Code, Error, Result};
use crate::platform::limits::{Gate, Passed, Subject, policies};

/// An attempt that is under way.
pub(super) struct Attempt<'a> {
    gate: &'a Gate,
    account: Check,
    passed: Passed,
}

impl<'a> Attempt<'a> {
    /// Lets an attempt at `account` begin, or says when to come back. Somebody who is signed in and
    /// gives their password again is counted as themselves, so that nobody else can use that up.
    pub async fn begin(gate: &'a Gate, account: &Subject, address: IpAddr) -> Result<Self> {
        let account = account.check(&policies::SIGN_IN);
        let address = Subject::Address(address).check(&policies::SIGN_IN_ADDRESS);
        let passed = gate.pass(vec![account.clone(), address]).await;
        Ok(Self {
            gate,
            account,
            passed: passed.map_err(|error| refused(&error))?,
        })
    }

    /// The attempt is over. Wrong credentials stay counted; anything else was no failure, and a
    /// success makes those before it forgotten.
    pub async fn end<T>(self, outcome: &Result<T>) {
        let failed = |error: &Error| error.code() == Code::InvalidCredentials;
        if outcome.as_ref().is_err_and(failed) {
            return;
        }
        self.gate.give_back(&self.passed).await;
        if outcome.is_ok() {
            self.gate.forget(&self.account).await;
        }
    }
}

fn refused(error: &Error) -> Error {
    let detail = "There were too many attempts. Wait a while, or set a new password.";
    let told = Error::new(error.code(), detail);
    match error.retry_after() {
        Some(seconds) => told.with_retry_after(seconds),
        None => told,
    }
}
