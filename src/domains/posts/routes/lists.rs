//! x
use utoipa_actix_web::service_config::ServiceConfig;
/// x
pub fn configure(_cfg: &mut ServiceConfig) {}
