//! The access table: one row per RPC, one column per role.

use keyway_words::Role;

use crate::Cell;
use crate::Cell::{
    All, AllLimits, CreateOwn, CreateSystem, Empty, Listed, Own, OwnPolicy, OwnTokens, Platform,
    PlatformElsewhereDisable, RevokeSelf, SeatAdmin, UnseatAdmin, Yes,
};

/// An RPC and who may call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Full name, `package.Service/Method`.
    pub rpc: &'static str,
    /// Columns: anyone, call token, reader, admin, operator, auditor, router.
    pub cells: [Cell; 7],
}

impl Row {
    /// The cell of a role; `None` is a caller without a credential.
    pub const fn cell(&self, role: Option<Role>) -> Cell {
        let [anyone, caller, reader, admin, operator, auditor, router] = self.cells;
        match role {
            None => anyone,
            Some(Role::Caller) => caller,
            Some(Role::Reader) => reader,
            Some(Role::Admin) => admin,
            Some(Role::Operator) => operator,
            Some(Role::Auditor) => auditor,
            Some(Role::Router) => router,
        }
    }
}

/// The row of an RPC, by its full name. `None`: nobody may call it.
pub fn row(rpc: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.rpc == rpc)
}

const fn rpc(rpc: &'static str, cells: [Cell; 7]) -> Row {
    Row { rpc, cells }
}

const OPEN: [Cell; 7] = [Yes; 7];
const READ: [Cell; 7] = [Empty, Empty, Own, Own, All, All, Empty];
const ADMIN_READ: [Cell; 7] = [Empty, Empty, Empty, Own, All, All, Empty];
const ADMIN_OR_OPERATOR: [Cell; 7] = [Empty, Empty, Empty, Own, All, Empty, Empty];
const ADMIN_OR_PLATFORM: [Cell; 7] = [Empty, Empty, Empty, Own, Platform, Empty, Empty];
const READ_AND_CALL: [Cell; 7] = [Empty, Own, Own, Own, All, All, Empty];
const CALL: [Cell; 7] = [Empty, Own, Empty, Empty, Empty, Empty, Empty];
const OPERATOR: [Cell; 7] = [Empty, Empty, Empty, Empty, All, Empty, Empty];
const SYSTEM_READ: [Cell; 7] = [Empty, Empty, Empty, Empty, All, All, Empty];
const ROUTER: [Cell; 7] = [Empty, Empty, Empty, Empty, Empty, Empty, Listed];

/// Every RPC that exists. `table.md` beside this crate says the same for people; a test compares.
pub const TABLE: &[Row] = &[
    rpc("grpc.health.v1.Health/Check", OPEN),
    rpc("grpc.health.v1.Health/Watch", OPEN),
    rpc("grpc.health.v1.Health/List", OPEN),
    rpc(
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        OPEN,
    ),
    rpc(
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        OPEN,
    ),
    rpc("keyway.vault.v1.KeyService/GetKey", READ),
    rpc("keyway.vault.v1.KeyService/ListKeys", READ),
    rpc(
        "keyway.vault.v1.KeyService/ListProviders",
        [Empty, Yes, Yes, Yes, Yes, Yes, Empty],
    ),
    rpc("keyway.vault.v1.KeyService/PutKey", ADMIN_OR_PLATFORM),
    rpc("keyway.vault.v1.KeyService/DeleteKey", ADMIN_OR_PLATFORM),
    rpc(
        "keyway.vault.v1.KeyService/UpdateKey",
        [
            Empty,
            Empty,
            Empty,
            Own,
            PlatformElsewhereDisable,
            Empty,
            Empty,
        ],
    ),
    rpc("keyway.vault.v1.WorkspaceService/Create", OPERATOR),
    rpc("keyway.vault.v1.WorkspaceService/Suspend", OPERATOR),
    rpc("keyway.vault.v1.WorkspaceService/Resume", OPERATOR),
    rpc("keyway.vault.v1.WorkspaceService/Get", READ_AND_CALL),
    rpc("keyway.vault.v1.WorkspaceService/List", SYSTEM_READ),
    rpc(
        "keyway.vault.v1.WorkspaceService/Update",
        [Empty, Empty, Empty, OwnPolicy, AllLimits, Empty, Empty],
    ),
    rpc("keyway.vault.v1.WorkspaceService/Delete", ADMIN_OR_OPERATOR),
    rpc(
        "keyway.vault.v1.WorkspaceService/Undelete",
        ADMIN_OR_OPERATOR,
    ),
    rpc("keyway.vault.v1.MemberService/List", READ),
    rpc(
        "keyway.vault.v1.MemberService/Put",
        [Empty, Empty, Empty, Own, SeatAdmin, Empty, Empty],
    ),
    rpc(
        "keyway.vault.v1.MemberService/Remove",
        [Empty, Empty, Empty, Own, UnseatAdmin, Empty, Empty],
    ),
    rpc(
        "keyway.vault.v1.TokenService/Create",
        [Empty, Empty, Empty, CreateOwn, CreateSystem, Empty, Empty],
    ),
    rpc(
        "keyway.vault.v1.TokenService/List",
        [Empty, Empty, OwnTokens, Own, All, All, Empty],
    ),
    rpc(
        "keyway.vault.v1.TokenService/Revoke",
        [Empty, RevokeSelf, RevokeSelf, Own, All, Empty, Empty],
    ),
    rpc(
        "keyway.vault.v1.TokenService/WhoAmI",
        [Empty, Yes, Yes, Yes, Yes, Yes, Yes],
    ),
    rpc("keyway.vault.v1.AuditService/List", ADMIN_READ),
    rpc("keyway.vault.v1.AuditService/Export", ADMIN_READ),
    rpc("keyway.vault.v1.AuditService/Checkpoint", ADMIN_READ),
    rpc("keyway.vault.v1.SealService/Status", SYSTEM_READ),
    rpc("keyway.vault.v1.SealService/Rewrap", OPERATOR),
    rpc("keyway.vault.v1.SealService/RotateDataKey", OPERATOR),
    rpc("keyway.vault.v1.SealService/RetireMasterKey", OPERATOR),
    rpc("keyway.vault.v1.LeaseService/ResolveKeys", ROUTER),
    rpc("keyway.vault.v1.LeaseService/VerifyCaller", ROUTER),
    rpc("keyway.vault.v1.LeaseService/WatchChanges", ROUTER),
    rpc("keyway.vault.v1.LeaseService/ReportHealth", ROUTER),
    rpc("keyway.router.v1.ExecutionService/Chat", CALL),
    rpc("keyway.router.v1.ExecutionService/StreamChat", CALL),
    rpc("keyway.router.v1.ExecutionService/Embed", CALL),
    rpc("keyway.router.v1.ExecutionService/StreamEmbed", CALL),
    rpc("keyway.router.v1.ExecutionService/Search", CALL),
    rpc("keyway.router.v1.ExecutionService/ListModels", CALL),
    rpc(
        "keyway.router.v1.ExecutionService/GetReceipt",
        READ_AND_CALL,
    ),
    rpc("keyway.router.v1.ExecutionService/ExplainRoute", READ),
    rpc(
        "keyway.router.v1.ExecutionService/TestKey",
        ADMIN_OR_PLATFORM,
    ),
    rpc("keyway.billing.v1.BillingService/ListUsage", ADMIN_READ),
    rpc(
        "keyway.billing.v1.BillingService/SummarizeUsage",
        ADMIN_READ,
    ),
    rpc("keyway.billing.v1.BillingService/StreamUsage", ADMIN_READ),
    rpc("keyway.billing.v1.BillingService/GetPriceTable", ADMIN_READ),
    rpc("keyway.billing.v1.BillingService/Rerate", OPERATOR),
];
