//! Which routes are limited by what: data that the domains bring.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::policies::GENERAL;
use super::subject::Subject;
use crate::infra::ratelimit::{Check, Keyed, Policy};
use crate::kernel::UserId;

/// Who asks the limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The middleware, before the handler runs.
    Door,
    /// The action, which knows more; see [`Gate`](super::Gate).
    Action,
}

/// A limit of a route, beside the general one.
#[derive(Debug, Clone, Copy)]
pub struct RouteLimit {
    /// The method.
    pub method: &'static str,
    /// The path template.
    pub path: &'static str,
    /// What limits it.
    pub policy: &'static Policy,
    /// Who asks.
    pub by: By,
}

/// A limit that the middleware checks.
pub const fn at_door(
    method: &'static str,
    path: &'static str,
    policy: &'static Policy,
) -> RouteLimit {
    RouteLimit {
        method,
        path,
        policy,
        by: By::Door,
    }
}

/// A limit that the action checks.
pub const fn in_action(
    method: &'static str,
    path: &'static str,
    policy: &'static Policy,
) -> RouteLimit {
    RouteLimit {
        by: By::Action,
        ..at_door(method, path, policy)
    }
}

/// What the middleware checks, by method and path template.
#[derive(Debug, Clone)]
pub struct RouteLimits(Arc<HashMap<(&'static str, &'static str), Vec<&'static Policy>>>);

impl RouteLimits {
    /// The limits of all domains.
    pub fn new(limits: impl IntoIterator<Item = RouteLimit>) -> Self {
        let mut at_door: HashMap<_, Vec<_>> = HashMap::new();
        for limit in limits.into_iter().filter(|limit| limit.by == By::Door) {
            let route = (limit.method, limit.path);
            at_door.entry(route).or_default().push(limit.policy);
        }
        Self(Arc::new(at_door))
    }

    /// What limits `method` on `path`, the template of the route or nothing that is known. Only the
    /// API is limited: not health, not documentation.
    pub fn of(&self, method: &str, path: &str, template: Option<&str>) -> Vec<&'static Policy> {
        if path != "/v1" && !path.starts_with("/v1/") {
            return Vec::new();
        }
        let own = template.map(|template| self.own(method, template));
        let own = own.into_iter().flatten().copied();
        std::iter::once(&GENERAL).chain(own).collect()
    }

    /// What limits a route beside the general limit.
    pub fn own<'a>(&'a self, method: &'a str, template: &'a str) -> &'a [&'static Policy] {
        self.0
            .get(&(method, template))
            .map_or(&[], |policies| policies.as_slice())
    }
}

/// What to ask the limiter about a request. Pure.
pub fn plan(policies: &[&'static Policy], user_id: Option<UserId>, address: IpAddr) -> Vec<Check> {
    let check = |policy: &&'static Policy| match policy.keyed {
        Keyed::Caller => Subject::caller(user_id, address).check(policy),
        // Of an account only the action knows.
        Keyed::Address | Keyed::Account => Subject::Address(address).check(policy),
    };
    policies.iter().map(check).collect()
}
