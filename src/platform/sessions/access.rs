//! Access tokens: JWTs of 15 minutes, HS256 only, their key named by `kid`.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::verified::VerifiedTokens;
use crate::kernel::{Code, Error, Result, SessionId, Timestamp, UserId};
use crate::platform::Ctx;

/// Seconds that an access token lives.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;

const ISSUER: &str = "kith";
const AUDIENCE: &str = "kith";
/// Media type of the token, so that no other token of ours is ever taken for one.
const TYPE: &str = "at+jwt";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    sid: SessionId,
    iss: String,
    aud: String,
    jti: String,
    iat: i64,
    exp: i64,
}

/// Who a verified token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// The person.
    pub user_id: UserId,
    /// Their session, which may have ended meanwhile.
    pub session_id: SessionId,
    /// When the token runs out, in seconds since 1970.
    pub ends: i64,
}

/// Signs a token with the first key.
pub fn sign(
    ctx: &Ctx,
    user_id: UserId,
    session_id: SessionId,
    now: Timestamp,
    seconds: i64,
) -> Result<String> {
    let key = ctx.config().jwt_keys.signing();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(key.kid.clone());
    header.typ = Some(TYPE.to_owned());
    let issued = now.utc().timestamp();
    let claims = Claims {
        sub: user_id,
        sid: session_id,
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        jti: URL_SAFE_NO_PAD.encode(ctx.ids().bytes::<16>()),
        iat: issued,
        exp: issued + seconds,
    };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.bytes()))
        .map_err(Error::internal)
}

/// Verifies a token without IO. `invalid_token` when it is not ours, `token_expired` when it is too
/// old. A signature that was verified once is not verified again: it depends on nothing but the token
/// and the keys of this process.
pub fn verify(ctx: &Ctx, token: &str) -> Result<Bearer> {
    let verified = ctx.part::<VerifiedTokens>();
    let bearer = if let Some(known) = verified.and_then(|verified| verified.find(token)) {
        known
    } else {
        let bearer = verify_signature(ctx, token)?;
        if let Some(verified) = verified {
            verified.keep(token, bearer);
        }
        bearer
    };
    if bearer.ends <= ctx.now().utc().timestamp() {
        return Err(Error::new(
            Code::TokenExpired,
            "The access token has expired. Exchange the refresh token for a new one.",
        ));
    }
    Ok(bearer)
}

fn verify_signature(ctx: &Ctx, token: &str) -> Result<Bearer> {
    let invalid = || {
        Error::new(
            Code::InvalidToken,
            "The access token is not valid. Refresh it, or sign in again.",
        )
    };
    let header = jsonwebtoken::decode_header(token).map_err(|_malformed| invalid())?;
    let kid = header.kid.as_deref().ok_or_else(invalid)?;
    let key = ctx.config().jwt_keys.find(kid).ok_or_else(invalid)?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err(invalid());
    }
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.required_spec_claims = HashSet::from(["exp", "iss", "aud", "sub"].map(String::from));
    // Expiry is checked at every use, by the injected clock.
    validation.validate_exp = false;
    let secret = DecodingKey::from_secret(key.bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &secret, &validation)
        .map_err(|_not_ours| invalid())?
        .claims;
    Ok(Bearer {
        user_id: claims.sub,
        session_id: claims.sid,
        ends: claims.exp,
    })
}
