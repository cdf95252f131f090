//! What is made of files, kept as the files are.
//!
//! The files' contents are compared, not their times: where Kubernetes mounts a Secret, a file is a link to a directory that is
//! swapped as a whole, and where somebody copies files one by one, a half-written pair is nothing to go by. What cannot be used
//! changes nothing, and is looked at again.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use metrics::{counter, gauge};

use tokio::task::{JoinError, spawn_blocking};

use super::{Contents, Mistake, PemFile};
use crate::telemetry::metrics::{TLS_CERTIFICATE_EXPIRY, TLS_RELOADS_FAILED};

/// How often the files are looked at.
const REFRESH: Duration = Duration::from_secs(5);

/// For how long files must stay as they are before they are used.
const SETTLING: Duration = Duration::from_millis(300);

/// What is made of files, and how.
pub trait Recipe: fmt::Debug + Send + Sync + 'static {
    /// What is made.
    type Product: Send + Sync + 'static;

    /// Whose it is, for logs and metrics.
    const SIDE: &'static str;

    /// The files that it is made of.
    fn files(&self) -> Vec<&PemFile>;

    /// Makes it.
    ///
    /// # Errors
    /// All that is wrong with the files.
    fn make(&self, contents: &Contents) -> Result<Made<Self::Product>, Vec<Mistake>>;
}

/// Something made of files.
#[derive(Debug)]
pub struct Made<P> {
    /// The thing itself.
    pub product: P,
    /// When the certificate in it ends, since 1970, if there is one.
    pub expires: Option<Duration>,
}

/// Something made of files, current for as long as [`keep_fresh`](Self::keep_fresh) runs. `Debug` shows where the files are.
pub struct Kept<R: Recipe> {
    recipe: R,
    latest: RwLock<Latest<R::Product>>,
}

struct Latest<P> {
    contents: Contents,
    product: Arc<P>,
    expires: Option<Duration>,
}

/// What a look at the files brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Same,
    New,
}

impl<R: Recipe> Kept<R> {
    /// Makes it for the first time.
    ///
    /// # Errors
    /// All that is wrong with the files.
    pub fn new(recipe: R) -> Result<Self, Vec<Mistake>> {
        let contents = Contents::read(&recipe.files());
        let latest = RwLock::new(latest(&recipe, contents)?);
        Ok(Self { recipe, latest })
    }

    /// How it is made.
    #[must_use]
    pub const fn recipe(&self) -> &R {
        &self.recipe
    }

    /// As the files were when they last made sense.
    #[must_use]
    pub fn current(&self) -> Arc<R::Product> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner).product)
    }

    /// Makes it anew whenever the files have changed, for as long as it is polled.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut known = Vec::new();
        loop {
            self.show_expiry();
            tokio::time::sleep(REFRESH).await;
            let Ok(looked) = Arc::clone(&self).look_twice().await else { continue };
            known = Self::tell(looked, known);
        }
    }

    /// Somebody may be writing the files at this moment: one that is cut between two certificates makes sense.
    async fn look_twice(self: Arc<Self>) -> Result<Result<Look, Vec<Mistake>>, JoinError> {
        let this = Arc::clone(&self);
        let Some(first) = spawn_blocking(move || this.changed()).await? else { return Ok(Ok(Look::Same)) };
        tokio::time::sleep(SETTLING).await;
        spawn_blocking(move || match self.changed() {
            Some(contents) if contents == first => self.take(contents),
            Some(_) | None => Ok(Look::Same),
        })
        .await
    }

    /// Logs what is new, and returns the mistakes that are known now: a file may lie there broken for days.
    fn tell(looked: Result<Look, Vec<Mistake>>, known: Vec<Mistake>) -> Vec<Mistake> {
        match looked {
            Ok(Look::Same) => Vec::new(),
            Ok(Look::New) => {
                tracing::info!(side = R::SIDE, "new TLS files are in use");
                Vec::new()
            }
            Err(mistakes) => {
                counter!(TLS_RELOADS_FAILED, "side" => R::SIDE).increment(1);
                for mistake in mistakes.iter().filter(|mistake| !known.contains(mistake)) {
                    tracing::error!(side = R::SIDE, %mistake, "TLS files cannot be used; the last good ones count");
                }
                mistakes
            }
        }
    }

    /// What the files hold, if that is not what is in use.
    fn changed(&self) -> Option<Contents> {
        let contents = Contents::read(&self.recipe.files());
        let is_known = contents == self.latest.read().unwrap_or_else(PoisonError::into_inner).contents;
        (!is_known).then_some(contents)
    }

    fn take(&self, contents: Contents) -> Result<Look, Vec<Mistake>> {
        let latest = latest(&self.recipe, contents)?;
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = latest;
        Ok(Look::New)
    }

    fn show_expiry(&self) {
        if let Some(expires) = self.latest.read().unwrap_or_else(PoisonError::into_inner).expires {
            gauge!(TLS_CERTIFICATE_EXPIRY, "side" => R::SIDE).set(expires.as_secs_f64());
        }
    }
}

fn latest<R: Recipe>(recipe: &R, contents: Contents) -> Result<Latest<R::Product>, Vec<Mistake>> {
    let Made { product, expires } = recipe.make(&contents)?;
    Ok(Latest { contents, product: Arc::new(product), expires })
}

impl<R: Recipe> fmt::Debug for Kept<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.recipe).finish()
    }
}
