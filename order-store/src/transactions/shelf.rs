//! Changing shelves: lock them in order, change them all or none, keep every movement.

use std::collections::BTreeSet;

use order_core::{
    error::Refusal,
    ids::{IdSeed, Sku},
    stock::{Levels, MovementKind, Shortage, StockChange, StockLevel},
};

use crate::{
    error::StoreError,
    rows::{MovementCause, MovementRow, StockRow},
    statements::{Done, Write},
};

/// Movements are minted from the upper half of a seed, events from the lower.
const MOVEMENT_IDS: u16 = 0x8000;

/// Locks the shelves of these SKUs, in their order, and reads them.
pub(super) async fn lock<T: Write>(tx: &mut T, skus: &BTreeSet<Sku>) -> Done<Levels> {
    if skus.is_empty() {
        return Ok(Levels::new());
    }
    let skus: Vec<_> = skus.iter().cloned().collect();
    let rows = tx.lock_stock(&skus).await?;
    let levels = rows.into_iter().map(StockLevel::try_from);
    Ok(levels.map(|level| level.map(|level| (level.sku.clone(), level))).collect::<Result<_, _>>()?)
}

/// Carries changes out in their order, or none of them.
pub(super) async fn change<T: Write>(
    tx: &mut T,
    changes: &[StockChange],
    cause: (MovementCause<'_>, IdSeed),
) -> Done<Result<(), Refusal>> {
    if changes.is_empty() {
        return Ok(Ok(()));
    }
    let skus = changes.iter().map(|change| change.sku.clone()).collect();
    let mut levels = lock(tx, &skus).await?;
    let mut shortages = Vec::new();
    for change in changes {
        let level = levels.get(&change.sku).cloned().unwrap_or_else(|| StockLevel::empty(change.sku.clone()));
        match level.after(change) {
            Some(next) => drop(levels.insert(change.sku.clone(), next)),
            None if change.kind == MovementKind::Allocated => shortages.push(short(&level, change)),
            None => return Err(StoreError::corrupt(format!("{change:?} does not fit {level:?}")).into()),
        }
    }
    if !shortages.is_empty() {
        return Ok(Err(Refusal::InsufficientStock(shortages)));
    }
    write(tx, &levels, &movements(changes, cause)).await?;
    Ok(Ok(()))
}

fn short(level: &StockLevel, change: &StockChange) -> Shortage {
    Shortage { sku: change.sku.clone(), requested: change.quantity, available: level.available() }
}

/// The movements that changes leave behind.
pub(super) fn movements(changes: &[StockChange], (cause, ids): (MovementCause<'_>, IdSeed)) -> Vec<MovementRow> {
    let mint = |n| ids.nth(MOVEMENT_IDS + n);
    changes.iter().zip(0..).map(|(change, n)| MovementRow::new(mint(n), change, cause)).collect()
}

/// Writes levels and movements.
pub(super) async fn write<T: Write>(tx: &mut T, levels: &Levels, movements: &[MovementRow]) -> Done {
    let rows: Vec<_> = levels.values().map(StockRow::from).collect();
    tx.update_stock(&rows).await?;
    tx.insert_movements(movements).await
}
