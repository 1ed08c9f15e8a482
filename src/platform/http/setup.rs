//! What the HTTP layer is given by the composition root.

use actix_web::web::ServiceConfig;

use super::body::BodyLimit;
use super::client::TrustedProxies;
use super::costs::OpenCosts;
use super::not_found::RouteTable;
use crate::kernel::IdFactory;
use crate::kernel::cursor::CursorCodec;

/// The address under which clients reach this API, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(pub String);

impl PublicUrl {
    /// Whether clients come over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

/// Everything that the extractors and the envelope look up in the application's data.
#[derive(Clone)]
pub struct HttpSetup {
    /// The address in `Link` headers.
    pub public_url: PublicUrl,
    /// The largest body that is read.
    pub body_limit: BodyLimit,
    /// Seals and opens cursors.
    pub cursors: CursorCodec,
    /// Makes request ids.
    pub ids: IdFactory,
    /// Whose `X-Forwarded-For` counts.
    pub proxies: TrustedProxies,
    /// Which paths answer which methods.
    pub routes: RouteTable,
    /// Who sees what a request costs.
    pub costs: OpenCosts,
}

impl HttpSetup {
    /// Puts all parts where extractors and envelope look for them.
    pub fn install(&self, cfg: &mut ServiceConfig) {
        cfg.app_data(self.public_url.clone())
            .app_data(self.body_limit)
            .app_data(self.cursors.clone())
            .app_data(self.ids.clone())
            .app_data(self.proxies.clone())
            .app_data(self.routes.clone())
            .app_data(self.costs);
    }
}
