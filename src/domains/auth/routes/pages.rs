//! Two plain pages for the links in mails, for where there is no frontend. Each sends the token from
//! the fragment to the API when a person says so, never by itself: scanners open links too.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Registers the pages, outside the API.
pub fn configure_pages(cfg: &mut ServiceConfig) {
    cfg.service(verify_email_page).service(reset_password_page);
}

const VERIFY_FORM: &str = "\
<h1>Confirm your e-mail address</h1>
<form data-route=\"v1/auth/verify-email\" data-done=\"Your address is confirmed. You may close this page.\">
<button>Confirm</button>
</form>";

const RESET_FORM: &str = "\
<h1>Set a new password</h1>
<form data-route=\"v1/auth/reset-password\" data-done=\"Your password is set. Sign in with it.\">
<label for=\"password\">New password (at least 8 characters)</label>
<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" maxlength=\"256\" required>
<button>Set the password</button>
</form>";

/// Sends the form with the token, and says what came of it. The token leaves the address bar and the
/// history at once.
const SCRIPT: &str = "\
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname);
const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
if (!token) status.textContent = 'This link is not whole. Open the link in the mail once more.';
form.addEventListener('submit', async event => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const body = JSON.stringify({token: token || '', ...Object.fromEntries(new FormData(form))});
    const headers = {'Content-Type': 'application/json'};
    const answer = await fetch(form.dataset.route, {method: 'POST', headers, body});
    if (answer.ok) {
      form.hidden = true;
      status.textContent = form.dataset.done;
      return;
    }
    const problem = await answer.json();
    status.textContent = [problem.detail, ...problem.errors.map(error => error.detail)].join(' ');
  } catch {
    status.textContent = 'The server did not answer. Try again.';
  }
  button.disabled = false;
});
";

const STYLE: &str = "\
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem; }
label, input { display: block; margin-bottom: .5rem; }
input, button { font: inherit; padding: .4rem .8rem; }
";

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

#[get("/verify-email")]
async fn verify_email_page() -> HttpResponse {
    page("Confirm your e-mail address", VERIFY_FORM)
}

#[get("/reset-password")]
async fn reset_password_page() -> HttpResponse {
    page("Set a new password", RESET_FORM)
}

fn page(title: &str, form: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<main>\n{form}\n<p role=\"status\"></p>\n\
             <noscript><p>This page needs JavaScript.</p></noscript>\n</main>\n\
             <script>{SCRIPT}</script>\n</html>\n"
        ))
}
