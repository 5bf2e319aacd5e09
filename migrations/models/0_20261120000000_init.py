"""The first schema: every table of version 0.1, and the triggers that make the audit log append-only."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "sqlite": r"""
CREATE TABLE IF NOT EXISTS "installation" (
    "slot" INT NOT NULL PRIMARY KEY,
    "id" VARCHAR(40) NOT NULL UNIQUE,
    "created_at" TIMESTAMP NOT NULL
) /* The one row that gives this installation its id; it names Redis channels and is never shown to tenants. */;
CREATE TABLE IF NOT EXISTS "idempotency" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "operation" VARCHAR(64) NOT NULL,
    "input_hash" VARCHAR(64) NOT NULL,
    "result" JSON,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL
) /* What one actor's request with one key did; scoped to workspace, actor and operation. */;
CREATE INDEX IF NOT EXISTS "idx_idempotency_workspa_527332" ON "idempotency" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_idempotency_expires_251558" ON "idempotency" ("expires_at");
CREATE TABLE IF NOT EXISTS "audit_checkpoint" (
    "number" BIGINT NOT NULL PRIMARY KEY,
    "at" TIMESTAMP NOT NULL,
    "heads" JSON NOT NULL,
    "prev_hash" VARCHAR(64) NOT NULL,
    "public_key" VARCHAR(64) NOT NULL,
    "signature" VARCHAR(128) NOT NULL
) /* A signed statement of where all chains stood; each one names the one before it. */;
CREATE TABLE IF NOT EXISTS "audit_entry" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(64) NOT NULL,
    "actor_label" VARCHAR(200) NOT NULL,
    "via" VARCHAR(16) NOT NULL,
    "ip_hash" VARCHAR(64),
    "request_id" VARCHAR(64) NOT NULL,
    "action" VARCHAR(64) NOT NULL,
    "target_type" VARCHAR(40) NOT NULL,
    "target_id" VARCHAR(64) NOT NULL,
    "target_label" VARCHAR(200) NOT NULL,
    "outcome" VARCHAR(16) NOT NULL,
    "detail" JSON NOT NULL,
    "key_id" VARCHAR(64) NOT NULL,
    "prev_hash" VARCHAR(64) NOT NULL,
    "hash" VARCHAR(64) NOT NULL,
    CONSTRAINT "uid_audit_entry_workspa_1b7e0e" UNIQUE ("workspace_id", "seq")
) /* One entry of one chain; triggers refuse to update or delete it. */;
CREATE INDEX IF NOT EXISTS "idx_audit_entry_workspa_bd9ecc" ON "audit_entry" ("workspace_id", "target_id", "seq");
CREATE INDEX IF NOT EXISTS "idx_audit_entry_workspa_981f87" ON "audit_entry" ("workspace_id", "actor_id", "seq");
CREATE TABLE IF NOT EXISTS "audit_head" (
    "workspace_id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "seq" BIGINT NOT NULL,
    "hash" VARCHAR(64) NOT NULL
) /* The end of a workspace's chain; its lock orders the writers. */;
CREATE TABLE IF NOT EXISTS "secret_use" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "purpose" VARCHAR(40) NOT NULL,
    "actor_id" VARCHAR(64) NOT NULL,
    "minute" TIMESTAMP NOT NULL,
    "count" BIGINT NOT NULL,
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_label" VARCHAR(200) NOT NULL,
    "via" VARCHAR(16) NOT NULL,
    "request_id" VARCHAR(64) NOT NULL,
    CONSTRAINT "uid_secret_use_workspa_590385" UNIQUE ("workspace_id", "connection_id", "purpose", "actor_id", "minute")
) /* How often one actor used a connection's secrets for one purpose within one minute. */;
CREATE INDEX IF NOT EXISTS "idx_secret_use_minute_edb038" ON "secret_use" ("minute");
CREATE TABLE IF NOT EXISTS "event_counter" (
    "workspace_id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "position" BIGINT NOT NULL,
    "pruned_to" BIGINT NOT NULL
) /* The last position given out in a workspace, and up to which position events were pruned. */;
CREATE TABLE IF NOT EXISTS "event" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "position" BIGINT NOT NULL,
    "type" VARCHAR(64) NOT NULL,
    "occurred_at" TIMESTAMP NOT NULL,
    "connection_id" VARCHAR(40),
    "subject_type" VARCHAR(40) NOT NULL,
    "subject_id" VARCHAR(64) NOT NULL,
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(64) NOT NULL,
    "actor_label" VARCHAR(200) NOT NULL,
    "correlation_id" VARCHAR(64) NOT NULL,
    "data" JSON NOT NULL,
    CONSTRAINT "uid_event_workspa_9559f2" UNIQUE ("workspace_id", "position")
) /* One committed fact. */;
CREATE INDEX IF NOT EXISTS "idx_event_workspa_ee5ddf" ON "event" ("workspace_id", "connection_id", "position");
CREATE TABLE IF NOT EXISTS "workspace" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "name" VARCHAR(80) NOT NULL,
    "slot" INT UNIQUE,
    "created_at" TIMESTAMP NOT NULL
) /* A tenant. The one made at first start holds slot 1, so that two first starts make one workspace. */;
CREATE TABLE IF NOT EXISTS "member" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "name" VARCHAR(80) NOT NULL,
    "role" VARCHAR(16) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "left_at" TIMESTAMP,
    "workspace_id" VARCHAR(40) NOT NULL REFERENCES "workspace" ("id") ON DELETE RESTRICT
) /* A person in a workspace, with a role. */;
CREATE TABLE IF NOT EXISTS "access_token" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "name" VARCHAR(80) NOT NULL,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "hint" VARCHAR(16) NOT NULL,
    "scopes" JSON NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP,
    "last_used_at" TIMESTAMP,
    "revoked_at" TIMESTAMP,
    "member_id" VARCHAR(40) NOT NULL REFERENCES "member" ("id") ON DELETE RESTRICT
) /* A member's access token, narrowed by scopes. */;
CREATE INDEX IF NOT EXISTS "idx_access_toke_workspa_b4a6af" ON "access_token" ("workspace_id");
CREATE TABLE IF NOT EXISTS "session" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "created_at" TIMESTAMP NOT NULL,
    "last_seen_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "ended_at" TIMESTAMP,
    "member_id" VARCHAR(40) NOT NULL REFERENCES "member" ("id") ON DELETE RESTRICT
) /* A signed-in browser. */;
CREATE INDEX IF NOT EXISTS "idx_session_workspa_c11275" ON "session" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_session_expires_823c67" ON "session" ("expires_at");
CREATE TABLE IF NOT EXISTS "sign_in_link" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "code_hash" VARCHAR(64) NOT NULL UNIQUE,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "used_at" TIMESTAMP,
    "member_id" VARCHAR(40) NOT NULL REFERENCES "member" ("id") ON DELETE RESTRICT
) /* A one-time way in, printed where the operator alone reads it. */;
CREATE INDEX IF NOT EXISTS "idx_sign_in_lin_expires_8f49fc" ON "sign_in_link" ("expires_at");
CREATE TABLE IF NOT EXISTS "data_key" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "active_slot" VARCHAR(40) UNIQUE,
    "state" VARCHAR(16) NOT NULL,
    "kek_id" VARCHAR(512) NOT NULL,
    "kek_version" VARCHAR(128) NOT NULL,
    "wrapped" TEXT,
    "created_at" TIMESTAMP NOT NULL,
    "destroyed_at" TIMESTAMP
) /* One workspace's data key, wrapped. ``state`` is ACTIVE, DECRYPT_ONLY or DESTROYED. */;
CREATE INDEX IF NOT EXISTS "idx_data_key_workspa_40b866" ON "data_key" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_data_key_kek_id_c6f7ee" ON "data_key" ("kek_id", "kek_version");
CREATE TABLE IF NOT EXISTS "key_check" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "kek_id" VARCHAR(512) NOT NULL,
    "kek_version" VARCHAR(128) NOT NULL,
    "probe" TEXT NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_key_check_kek_id_b939cf" UNIQUE ("kek_id", "kek_version")
) /* A key-encryption key that this database has seen, with a probe that only this key opens. */;
CREATE TABLE IF NOT EXISTS "sealed_value" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "owner_table" VARCHAR(64) NOT NULL,
    "owner_row" VARCHAR(64) NOT NULL,
    "field" VARCHAR(64) NOT NULL,
    "generation" INT NOT NULL,
    "data_key_id" VARCHAR(40) NOT NULL,
    "sealed" TEXT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_sealed_valu_owner_t_216f4c" UNIQUE ("owner_table", "owner_row", "field")
) /* One sealed value and the place it belongs to; ``generation`` is the counter of its compare-and-swap. */;
CREATE INDEX IF NOT EXISTS "idx_sealed_valu_workspa_1fc10a" ON "sealed_value" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_sealed_valu_data_ke_2c96e6" ON "sealed_value" ("data_key_id");
CREATE TABLE IF NOT EXISTS "application" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "slot" VARCHAR(160) NOT NULL UNIQUE,
    "integration" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "source" VARCHAR(16) NOT NULL,
    "client_id" VARCHAR(512) NOT NULL,
    "fields_json" JSON NOT NULL,
    "secret_fields" JSON NOT NULL,
    "secret_hint" VARCHAR(16),
    "secret_generation" INT NOT NULL,
    "problem" JSON,
    "revision" INT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP NOT NULL
) /* A client id and secret registered with a provider; the secret is sealed in the vault under this row's id. */;
CREATE INDEX IF NOT EXISTS "idx_application_workspa_6b6768" ON "application" ("workspace_id");
CREATE TABLE IF NOT EXISTS "authorization_attempt" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "auth_method" VARCHAR(64) NOT NULL,
    "application_id" VARCHAR(40),
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(40) NOT NULL,
    "actor_label" VARCHAR(120) NOT NULL,
    "scopes" JSON NOT NULL,
    "return_to" TEXT,
    "presentation" VARCHAR(16) NOT NULL,
    "state" VARCHAR(24) NOT NULL,
    "seq" INT NOT NULL,
    "step" JSON,
    "problem" JSON,
    "redirect_uri" TEXT,
    "state_hash" VARCHAR(64) UNIQUE,
    "browser_hash" VARCHAR(64),
    "verifier_generation" INT NOT NULL,
    "poll_at" TIMESTAMP,
    "consumed_at" TIMESTAMP,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "finished_at" TIMESTAMP
) /* One attempt to authenticate. ``state_hash`` hashes the OAuth state; the verifier is sealed in the vault. */;
CREATE INDEX IF NOT EXISTS "idx_authorizati_connect_ac1191" ON "authorization_attempt" ("connection_id");
CREATE INDEX IF NOT EXISTS "idx_authorizati_poll_at_a4096d" ON "authorization_attempt" ("poll_at");
CREATE INDEX IF NOT EXISTS "idx_authorizati_expires_582b32" ON "authorization_attempt" ("expires_at");
CREATE TABLE IF NOT EXISTS "authorization_state" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "authorization_id" VARCHAR(40) NOT NULL,
    "workspace_id" VARCHAR(40) NOT NULL,
    "seq" INT NOT NULL,
    "state" VARCHAR(24) NOT NULL,
    "step" JSON,
    "problem" JSON,
    "at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_authorizati_authori_0c0f4e" UNIQUE ("authorization_id", "seq")
) /* Every state an authorization went through, in order, for replay. */;
CREATE TABLE IF NOT EXISTS "connection" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "owner_key" VARCHAR(96) NOT NULL,
    "name" VARCHAR(120) NOT NULL,
    "name_key" VARCHAR(240) NOT NULL,
    "description" TEXT NOT NULL,
    "integration" VARCHAR(64) NOT NULL,
    "version" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "state" VARCHAR(32) NOT NULL,
    "state_since" TIMESTAMP NOT NULL,
    "problem" JSON,
    "config" JSON NOT NULL,
    "config_secret_hints" JSON NOT NULL,
    "config_revision" INT NOT NULL,
    "scope" VARCHAR(16) NOT NULL,
    "ever_connected" INT NOT NULL,
    "tested_generation" INT,
    "tested_config_revision" INT,
    "tested_at" TIMESTAMP,
    "revision" INT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "created_by" VARCHAR(40) NOT NULL,
    "created_by_label" VARCHAR(120) NOT NULL,
    "updated_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_connection_owner_k_9db503" UNIQUE ("owner_key", "name_key")
) /* A connection. ``owner_key`` and ``name_key`` (case-folded) make names unique among one owner's connections. */;
CREATE INDEX IF NOT EXISTS "idx_connection_workspa_e814ba" ON "connection" ("workspace_id", "created_at", "id");
CREATE INDEX IF NOT EXISTS "idx_connection_workspa_19dca4" ON "connection" ("workspace_id", "name_key", "id");
CREATE TABLE IF NOT EXISTS "credential" (
    "connection_id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "auth_method" VARCHAR(64) NOT NULL,
    "application_id" VARCHAR(40),
    "generation" INT NOT NULL,
    "expires_at" TIMESTAMP,
    "refresh_expires_at" TIMESTAMP,
    "lifetime_s" INT,
    "requested_scopes" JSON NOT NULL,
    "granted_scopes" JSON,
    "account_id" VARCHAR(512),
    "account_label" VARCHAR(512),
    "account" JSON NOT NULL,
    "hints" JSON NOT NULL,
    "can_renew" INT NOT NULL,
    "fingerprint" VARCHAR(64),
    "is_doubted" INT NOT NULL,
    "sealed_at" TIMESTAMP,
    "refreshed_at" TIMESTAMP,
    "due_at" TIMESTAMP,
    "failures" INT NOT NULL,
    "failing_since" TIMESTAMP,
    "lease_owner" VARCHAR(64),
    "lease_until" TIMESTAMP
) /* What stands beside a connection's sealed credentials: expiry, scopes, account, generation, lease and due time. */;
CREATE INDEX IF NOT EXISTS "idx_credential_applica_1a6de9" ON "credential" ("application_id");
CREATE INDEX IF NOT EXISTS "idx_credential_fingerp_425d0f" ON "credential" ("fingerprint");
CREATE INDEX IF NOT EXISTS "idx_credential_due_at_0aa397" ON "credential" ("due_at");
CREATE TABLE IF NOT EXISTS "renewal_attempt" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "generation" INT NOT NULL,
    "lease_owner" VARCHAR(64) NOT NULL,
    "started_at" TIMESTAMP NOT NULL,
    "finished_at" TIMESTAMP,
    "outcome" VARCHAR(32)
) /* The intent to renew, committed before the call: an open row after a crash means that the outcome is unknown. */;
CREATE INDEX IF NOT EXISTS "idx_renewal_att_connect_ef846b" ON "renewal_attempt" ("connection_id");
CREATE TABLE IF NOT EXISTS "revocation" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "connection_name" VARCHAR(120) NOT NULL,
    "integration" VARCHAR(64) NOT NULL,
    "version" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "config" JSON NOT NULL,
    "account" JSON NOT NULL,
    "auth_method" VARCHAR(64) NOT NULL,
    "application_id" VARCHAR(40),
    "state" VARCHAR(24) NOT NULL,
    "revoked" JSON NOT NULL,
    "alive" JSON NOT NULL,
    "expires_at" TIMESTAMP,
    "attempts" INT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "finished_at" TIMESTAMP,
    "due_at" TIMESTAMP,
    "give_up_at" TIMESTAMP NOT NULL,
    "lease_owner" VARCHAR(64),
    "lease_until" TIMESTAMP
) /* Credentials of a connection that is gone, to be revoked at the provider; the vault seals them under this id. */;
CREATE INDEX IF NOT EXISTS "idx_revocation_connect_356d57" ON "revocation" ("connection_id");
CREATE INDEX IF NOT EXISTS "idx_revocation_applica_8486f5" ON "revocation" ("application_id");
CREATE INDEX IF NOT EXISTS "idx_revocation_due_at_a43d86" ON "revocation" ("due_at");
CREATE TABLE IF NOT EXISTS "test_run" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "verdict" VARCHAR(16),
    "problem" JSON,
    "credential_generation" INT,
    "config_revision" INT NOT NULL,
    "actor" JSON NOT NULL,
    "seq" INT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "started_at" TIMESTAMP,
    "finished_at" TIMESTAMP,
    "deadline_at" TIMESTAMP NOT NULL,
    "due_at" TIMESTAMP,
    "lease_owner" VARCHAR(64),
    "lease_until" TIMESTAMP,
    "cancel_requested" INT NOT NULL
) /* One execution of a connection test. ``seq`` counts the messages of its progress stream. */;
CREATE INDEX IF NOT EXISTS "idx_test_run_due_at_39ffab" ON "test_run" ("due_at");
CREATE INDEX IF NOT EXISTS "idx_test_run_connect_776d78" ON "test_run" ("connection_id", "created_at", "id");
CREATE TABLE IF NOT EXISTS "test_step" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "run_id" VARCHAR(40) NOT NULL,
    "workspace_id" VARCHAR(40) NOT NULL,
    "index" INT NOT NULL,
    "seq" INT NOT NULL,
    "kind" VARCHAR(24) NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "started_at" TIMESTAMP NOT NULL,
    "duration_ms" INT,
    "message" TEXT NOT NULL,
    "evidence" JSON NOT NULL,
    "problem" JSON,
    "exchange" JSON,
    CONSTRAINT "uid_test_step_run_id_3847c1" UNIQUE ("run_id", "index")
) /* One step of a run: what was done, how long it took, what was seen, the verdict. */;
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSON NOT NULL
);
CREATE TRIGGER IF NOT EXISTS audit_entry_no_update BEFORE UPDATE ON "audit_entry"
BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_entry_no_delete BEFORE DELETE ON "audit_entry"
BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_entry_no_replace BEFORE INSERT ON "audit_entry"
WHEN EXISTS (SELECT 1 FROM "audit_entry"
             WHERE "id" = NEW."id" OR ("workspace_id" = NEW."workspace_id" AND "seq" = NEW."seq"))
BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END;
""",
    "postgres": r"""
CREATE TABLE IF NOT EXISTS "installation" (
    "slot" INT NOT NULL PRIMARY KEY,
    "id" VARCHAR(40) NOT NULL UNIQUE,
    "created_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "installation" IS 'The one row that gives this installation its id; it names Redis channels and is never shown to tenants.';
CREATE TABLE IF NOT EXISTS "idempotency" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "operation" VARCHAR(64) NOT NULL,
    "input_hash" VARCHAR(64) NOT NULL,
    "result" JSONB,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_idempotency_workspa_527332" ON "idempotency" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_idempotency_expires_251558" ON "idempotency" ("expires_at");
COMMENT ON TABLE "idempotency" IS 'What one actor''s request with one key did; scoped to workspace, actor and operation.';
CREATE TABLE IF NOT EXISTS "audit_checkpoint" (
    "number" BIGINT NOT NULL PRIMARY KEY,
    "at" TIMESTAMPTZ NOT NULL,
    "heads" JSONB NOT NULL,
    "prev_hash" VARCHAR(64) NOT NULL,
    "public_key" VARCHAR(64) NOT NULL,
    "signature" VARCHAR(128) NOT NULL
);
COMMENT ON TABLE "audit_checkpoint" IS 'A signed statement of where all chains stood; each one names the one before it.';
CREATE TABLE IF NOT EXISTS "audit_entry" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(64) NOT NULL,
    "actor_label" VARCHAR(200) NOT NULL,
    "via" VARCHAR(16) NOT NULL,
    "ip_hash" VARCHAR(64),
    "request_id" VARCHAR(64) NOT NULL,
    "action" VARCHAR(64) NOT NULL,
    "target_type" VARCHAR(40) NOT NULL,
    "target_id" VARCHAR(64) NOT NULL,
    "target_label" VARCHAR(200) NOT NULL,
    "outcome" VARCHAR(16) NOT NULL,
    "detail" JSONB NOT NULL,
    "key_id" VARCHAR(64) NOT NULL,
    "prev_hash" VARCHAR(64) NOT NULL,
    "hash" VARCHAR(64) NOT NULL,
    CONSTRAINT "uid_audit_entry_workspa_1b7e0e" UNIQUE ("workspace_id", "seq")
);
CREATE INDEX IF NOT EXISTS "idx_audit_entry_workspa_bd9ecc" ON "audit_entry" ("workspace_id", "target_id", "seq");
CREATE INDEX IF NOT EXISTS "idx_audit_entry_workspa_981f87" ON "audit_entry" ("workspace_id", "actor_id", "seq");
COMMENT ON TABLE "audit_entry" IS 'One entry of one chain; triggers refuse to update or delete it.';
CREATE TABLE IF NOT EXISTS "audit_head" (
    "workspace_id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "seq" BIGINT NOT NULL,
    "hash" VARCHAR(64) NOT NULL
);
COMMENT ON TABLE "audit_head" IS 'The end of a workspace''s chain; its lock orders the writers.';
CREATE TABLE IF NOT EXISTS "secret_use" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "purpose" VARCHAR(40) NOT NULL,
    "actor_id" VARCHAR(64) NOT NULL,
    "minute" TIMESTAMPTZ NOT NULL,
    "count" BIGINT NOT NULL,
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_label" VARCHAR(200) NOT NULL,
    "via" VARCHAR(16) NOT NULL,
    "request_id" VARCHAR(64) NOT NULL,
    CONSTRAINT "uid_secret_use_workspa_590385" UNIQUE ("workspace_id", "connection_id", "purpose", "actor_id", "minute")
);
CREATE INDEX IF NOT EXISTS "idx_secret_use_minute_edb038" ON "secret_use" ("minute");
COMMENT ON TABLE "secret_use" IS 'How often one actor used a connection''s secrets for one purpose within one minute.';
CREATE TABLE IF NOT EXISTS "event_counter" (
    "workspace_id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "position" BIGINT NOT NULL,
    "pruned_to" BIGINT NOT NULL
);
COMMENT ON TABLE "event_counter" IS 'The last position given out in a workspace, and up to which position events were pruned.';
CREATE TABLE IF NOT EXISTS "event" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "position" BIGINT NOT NULL,
    "type" VARCHAR(64) NOT NULL,
    "occurred_at" TIMESTAMPTZ NOT NULL,
    "connection_id" VARCHAR(40),
    "subject_type" VARCHAR(40) NOT NULL,
    "subject_id" VARCHAR(64) NOT NULL,
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(64) NOT NULL,
    "actor_label" VARCHAR(200) NOT NULL,
    "correlation_id" VARCHAR(64) NOT NULL,
    "data" JSONB NOT NULL,
    CONSTRAINT "uid_event_workspa_9559f2" UNIQUE ("workspace_id", "position")
);
CREATE INDEX IF NOT EXISTS "idx_event_workspa_ee5ddf" ON "event" ("workspace_id", "connection_id", "position");
COMMENT ON TABLE "event" IS 'One committed fact.';
CREATE TABLE IF NOT EXISTS "workspace" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "name" VARCHAR(80) NOT NULL,
    "slot" INT UNIQUE,
    "created_at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE "workspace" IS 'A tenant. The one made at first start holds slot 1, so that two first starts make one workspace.';
CREATE TABLE IF NOT EXISTS "member" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "name" VARCHAR(80) NOT NULL,
    "role" VARCHAR(16) NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "left_at" TIMESTAMPTZ,
    "workspace_id" VARCHAR(40) NOT NULL REFERENCES "workspace" ("id") ON DELETE RESTRICT
);
COMMENT ON TABLE "member" IS 'A person in a workspace, with a role.';
CREATE TABLE IF NOT EXISTS "access_token" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "name" VARCHAR(80) NOT NULL,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "hint" VARCHAR(16) NOT NULL,
    "scopes" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ,
    "last_used_at" TIMESTAMPTZ,
    "revoked_at" TIMESTAMPTZ,
    "member_id" VARCHAR(40) NOT NULL REFERENCES "member" ("id") ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS "idx_access_toke_workspa_b4a6af" ON "access_token" ("workspace_id");
COMMENT ON TABLE "access_token" IS 'A member''s access token, narrowed by scopes.';
CREATE TABLE IF NOT EXISTS "session" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "created_at" TIMESTAMPTZ NOT NULL,
    "last_seen_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "ended_at" TIMESTAMPTZ,
    "member_id" VARCHAR(40) NOT NULL REFERENCES "member" ("id") ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS "idx_session_workspa_c11275" ON "session" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_session_expires_823c67" ON "session" ("expires_at");
COMMENT ON TABLE "session" IS 'A signed-in browser.';
CREATE TABLE IF NOT EXISTS "sign_in_link" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "code_hash" VARCHAR(64) NOT NULL UNIQUE,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ,
    "member_id" VARCHAR(40) NOT NULL REFERENCES "member" ("id") ON DELETE RESTRICT
);
CREATE INDEX IF NOT EXISTS "idx_sign_in_lin_expires_8f49fc" ON "sign_in_link" ("expires_at");
COMMENT ON TABLE "sign_in_link" IS 'A one-time way in, printed where the operator alone reads it.';
CREATE TABLE IF NOT EXISTS "data_key" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "active_slot" VARCHAR(40) UNIQUE,
    "state" VARCHAR(16) NOT NULL,
    "kek_id" VARCHAR(512) NOT NULL,
    "kek_version" VARCHAR(128) NOT NULL,
    "wrapped" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL,
    "destroyed_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_data_key_workspa_40b866" ON "data_key" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_data_key_kek_id_c6f7ee" ON "data_key" ("kek_id", "kek_version");
COMMENT ON TABLE "data_key" IS 'One workspace''s data key, wrapped. ``state`` is ACTIVE, DECRYPT_ONLY or DESTROYED.';
CREATE TABLE IF NOT EXISTS "key_check" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "kek_id" VARCHAR(512) NOT NULL,
    "kek_version" VARCHAR(128) NOT NULL,
    "probe" TEXT NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_key_check_kek_id_b939cf" UNIQUE ("kek_id", "kek_version")
);
COMMENT ON TABLE "key_check" IS 'A key-encryption key that this database has seen, with a probe that only this key opens.';
CREATE TABLE IF NOT EXISTS "sealed_value" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "owner_table" VARCHAR(64) NOT NULL,
    "owner_row" VARCHAR(64) NOT NULL,
    "field" VARCHAR(64) NOT NULL,
    "generation" INT NOT NULL,
    "data_key_id" VARCHAR(40) NOT NULL,
    "sealed" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_sealed_valu_owner_t_216f4c" UNIQUE ("owner_table", "owner_row", "field")
);
CREATE INDEX IF NOT EXISTS "idx_sealed_valu_workspa_1fc10a" ON "sealed_value" ("workspace_id");
CREATE INDEX IF NOT EXISTS "idx_sealed_valu_data_ke_2c96e6" ON "sealed_value" ("data_key_id");
COMMENT ON TABLE "sealed_value" IS 'One sealed value and the place it belongs to; ``generation`` is the counter of its compare-and-swap.';
CREATE TABLE IF NOT EXISTS "application" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "slot" VARCHAR(160) NOT NULL UNIQUE,
    "integration" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "source" VARCHAR(16) NOT NULL,
    "client_id" VARCHAR(512) NOT NULL,
    "fields_json" JSONB NOT NULL,
    "secret_fields" JSONB NOT NULL,
    "secret_hint" VARCHAR(16),
    "secret_generation" INT NOT NULL,
    "problem" JSONB,
    "revision" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_application_workspa_6b6768" ON "application" ("workspace_id");
COMMENT ON TABLE "application" IS 'A client id and secret registered with a provider; the secret is sealed in the vault under this row''s id.';
CREATE TABLE IF NOT EXISTS "authorization_attempt" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "auth_method" VARCHAR(64) NOT NULL,
    "application_id" VARCHAR(40),
    "actor_kind" VARCHAR(16) NOT NULL,
    "actor_id" VARCHAR(40) NOT NULL,
    "actor_label" VARCHAR(120) NOT NULL,
    "scopes" JSONB NOT NULL,
    "return_to" TEXT,
    "presentation" VARCHAR(16) NOT NULL,
    "state" VARCHAR(24) NOT NULL,
    "seq" INT NOT NULL,
    "step" JSONB,
    "problem" JSONB,
    "redirect_uri" TEXT,
    "state_hash" VARCHAR(64) UNIQUE,
    "browser_hash" VARCHAR(64),
    "verifier_generation" INT NOT NULL,
    "poll_at" TIMESTAMPTZ,
    "consumed_at" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "finished_at" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_authorizati_connect_ac1191" ON "authorization_attempt" ("connection_id");
CREATE INDEX IF NOT EXISTS "idx_authorizati_poll_at_a4096d" ON "authorization_attempt" ("poll_at");
CREATE INDEX IF NOT EXISTS "idx_authorizati_expires_582b32" ON "authorization_attempt" ("expires_at");
COMMENT ON TABLE "authorization_attempt" IS 'One attempt to authenticate. ``state_hash`` hashes the OAuth state; the verifier is sealed in the vault.';
CREATE TABLE IF NOT EXISTS "authorization_state" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "authorization_id" VARCHAR(40) NOT NULL,
    "workspace_id" VARCHAR(40) NOT NULL,
    "seq" INT NOT NULL,
    "state" VARCHAR(24) NOT NULL,
    "step" JSONB,
    "problem" JSONB,
    "at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_authorizati_authori_0c0f4e" UNIQUE ("authorization_id", "seq")
);
COMMENT ON TABLE "authorization_state" IS 'Every state an authorization went through, in order, for replay.';
CREATE TABLE IF NOT EXISTS "connection" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "owner_key" VARCHAR(96) NOT NULL,
    "name" VARCHAR(120) NOT NULL,
    "name_key" VARCHAR(240) NOT NULL,
    "description" TEXT NOT NULL,
    "integration" VARCHAR(64) NOT NULL,
    "version" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "state" VARCHAR(32) NOT NULL,
    "state_since" TIMESTAMPTZ NOT NULL,
    "problem" JSONB,
    "config" JSONB NOT NULL,
    "config_secret_hints" JSONB NOT NULL,
    "config_revision" INT NOT NULL,
    "scope" VARCHAR(16) NOT NULL,
    "ever_connected" BOOL NOT NULL,
    "tested_generation" INT,
    "tested_config_revision" INT,
    "tested_at" TIMESTAMPTZ,
    "revision" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "created_by" VARCHAR(40) NOT NULL,
    "created_by_label" VARCHAR(120) NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_connection_owner_k_9db503" UNIQUE ("owner_key", "name_key")
);
CREATE INDEX IF NOT EXISTS "idx_connection_workspa_e814ba" ON "connection" ("workspace_id", "created_at", "id");
CREATE INDEX IF NOT EXISTS "idx_connection_workspa_19dca4" ON "connection" ("workspace_id", "name_key", "id");
COMMENT ON TABLE "connection" IS 'A connection. ``owner_key`` and ``name_key`` (case-folded) make names unique among one owner''s connections.';
CREATE TABLE IF NOT EXISTS "credential" (
    "connection_id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "auth_method" VARCHAR(64) NOT NULL,
    "application_id" VARCHAR(40),
    "generation" INT NOT NULL,
    "expires_at" TIMESTAMPTZ,
    "refresh_expires_at" TIMESTAMPTZ,
    "lifetime_s" INT,
    "requested_scopes" JSONB NOT NULL,
    "granted_scopes" JSONB,
    "account_id" VARCHAR(512),
    "account_label" VARCHAR(512),
    "account" JSONB NOT NULL,
    "hints" JSONB NOT NULL,
    "can_renew" BOOL NOT NULL,
    "fingerprint" VARCHAR(64),
    "is_doubted" BOOL NOT NULL,
    "sealed_at" TIMESTAMPTZ,
    "refreshed_at" TIMESTAMPTZ,
    "due_at" TIMESTAMPTZ,
    "failures" INT NOT NULL,
    "failing_since" TIMESTAMPTZ,
    "lease_owner" VARCHAR(64),
    "lease_until" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_credential_applica_1a6de9" ON "credential" ("application_id");
CREATE INDEX IF NOT EXISTS "idx_credential_fingerp_425d0f" ON "credential" ("fingerprint");
CREATE INDEX IF NOT EXISTS "idx_credential_due_at_0aa397" ON "credential" ("due_at");
COMMENT ON TABLE "credential" IS 'What stands beside a connection''s sealed credentials: expiry, scopes, account, generation, lease and due time.';
CREATE TABLE IF NOT EXISTS "renewal_attempt" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "generation" INT NOT NULL,
    "lease_owner" VARCHAR(64) NOT NULL,
    "started_at" TIMESTAMPTZ NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "outcome" VARCHAR(32)
);
CREATE INDEX IF NOT EXISTS "idx_renewal_att_connect_ef846b" ON "renewal_attempt" ("connection_id");
COMMENT ON TABLE "renewal_attempt" IS 'The intent to renew, committed before the call: an open row after a crash means that the outcome is unknown.';
CREATE TABLE IF NOT EXISTS "revocation" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "connection_name" VARCHAR(120) NOT NULL,
    "integration" VARCHAR(64) NOT NULL,
    "version" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "config" JSONB NOT NULL,
    "account" JSONB NOT NULL,
    "auth_method" VARCHAR(64) NOT NULL,
    "application_id" VARCHAR(40),
    "state" VARCHAR(24) NOT NULL,
    "revoked" JSONB NOT NULL,
    "alive" JSONB NOT NULL,
    "expires_at" TIMESTAMPTZ,
    "attempts" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "due_at" TIMESTAMPTZ,
    "give_up_at" TIMESTAMPTZ NOT NULL,
    "lease_owner" VARCHAR(64),
    "lease_until" TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS "idx_revocation_connect_356d57" ON "revocation" ("connection_id");
CREATE INDEX IF NOT EXISTS "idx_revocation_applica_8486f5" ON "revocation" ("application_id");
CREATE INDEX IF NOT EXISTS "idx_revocation_due_at_a43d86" ON "revocation" ("due_at");
COMMENT ON TABLE "revocation" IS 'Credentials of a connection that is gone, to be revoked at the provider; the vault seals them under this id.';
CREATE TABLE IF NOT EXISTS "test_run" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "connection_id" VARCHAR(40) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "verdict" VARCHAR(16),
    "problem" JSONB,
    "credential_generation" INT,
    "config_revision" INT NOT NULL,
    "actor" JSONB NOT NULL,
    "seq" INT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "started_at" TIMESTAMPTZ,
    "finished_at" TIMESTAMPTZ,
    "deadline_at" TIMESTAMPTZ NOT NULL,
    "due_at" TIMESTAMPTZ,
    "lease_owner" VARCHAR(64),
    "lease_until" TIMESTAMPTZ,
    "cancel_requested" BOOL NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_test_run_due_at_39ffab" ON "test_run" ("due_at");
CREATE INDEX IF NOT EXISTS "idx_test_run_connect_776d78" ON "test_run" ("connection_id", "created_at", "id");
COMMENT ON TABLE "test_run" IS 'One execution of a connection test. ``seq`` counts the messages of its progress stream.';
CREATE TABLE IF NOT EXISTS "test_step" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "run_id" VARCHAR(40) NOT NULL,
    "workspace_id" VARCHAR(40) NOT NULL,
    "index" INT NOT NULL,
    "seq" INT NOT NULL,
    "kind" VARCHAR(24) NOT NULL,
    "state" VARCHAR(16) NOT NULL,
    "started_at" TIMESTAMPTZ NOT NULL,
    "duration_ms" INT,
    "message" TEXT NOT NULL,
    "evidence" JSONB NOT NULL,
    "problem" JSONB,
    "exchange" JSONB,
    CONSTRAINT "uid_test_step_run_id_3847c1" UNIQUE ("run_id", "index")
);
COMMENT ON TABLE "test_step" IS 'One step of a run: what was done, how long it took, what was seen, the verdict.';
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'audit_entry is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON "audit_entry"
FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse();
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON "audit_entry"
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse();
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise RuntimeError("the first schema has nothing before it: restore a backup instead")


MODELS_STATE = (
    "eJztXW1z2za2/isYf0l7R8nYypub3Lkzjutus03jjuPdtpt2ZIqEJK4oggFJq7p789/vAU"
    "iJ7zQhizIEny9tTJ4DUg9A4Lw8OPjP0YI51AufvffDyPI8K3KZf0Vtxp2jN+Q/R761oPCP"
    "FqkBObKCIJMRFyJr7Ek1NycvJcdhxC07gnsTywspXHJoaHM3kBKgcT2jhPmUcLYk0cyKyN"
    "S9pSH80w1JvjXiRnDBeQv/J+IlQ3JFHZCxZ5bvw2sQy3cI/O3TW8pJOGNLn0SMRNS3/Ch8"
    "Jl7GYTa8jetP9/zc2He/xHQUsSmNZpTD0z//ORBYOfQvGq7/DOajiUu9YjeEHotEE/LOKF"
    "oF8up7P/pBioofNR7ZzIsXfl48WEUz5m/kXV9enVKfciuiTq43/Bh+Z9J560vJ68KFiMd0"
    "855OdsGhEyv2RJ8K7eQdsmtHo9HHy+vRp4vr0eio0t9rjVxXpJds5ouxAu8aSgim4hWeDk"
    "9evH5x+vzVi1MQka+5ufL6a/LoDJtEUSL08froq7xvRVYiIYHOkHWdKq7nM4vXA5tIl2CF"
    "1z08WBfWXyOP+tNoBn++OG7B8J9nV+c/nl198+L4W/FABt9x8pF/TO8M5S0BcwarzamAYm"
    "TVDNvv4U7kLmg9xEXNEtROqvps/Y9tgF9fyJDP5qR9QA8/0Ln0vVXa5S3QX7//+eLT9dnP"
    "v4jHLcLwiyfxO7u+EHeG8uqqdPWbV6Vu2jRCfn1//SMRf5J/XX68kPCyMJpy+cRM7vpfR+"
    "KdrDhiI58tR5aTG53rq2vUvoo5azLPfVviwtiy50uLO6PKHTZkTbLVW4vhonzF8q2p7DMB"
    "rnjN9Qrl0EXAYLq1Vy3LWEWofRXLxLstYr+KBUSsJiDF+JOQcApDLozI0o1m8sacrogjlp"
    "HQZgF1xBKxZHweBpYN7Uk1uZLATS7XneqK1ddD7rE84SQKf7560WESffWicRIVt9rXqk0n"
    "jtQAL+vtBvrqNGrSArb5NlSALij1hfJ+F6tehnhu5vCDOBrNrHCmNIMUtBDoDkDDIi/etw"
    "Ly3z9dfqwHOdMoG2GuHZH/I54bdnEn0klBF5xbcBVQFAytNZ7f/Hz2Wxnq8w+X78oWlGjg"
    "HRrCO+gKnQzfNSYVyzffzfSvwIXmtujmouZ+unmfC/Wh97Im/s1Z7LjR+Yza84ABtM0+Tr"
    "1gq59jCZWRvdHp5uyckdCd+uBehBEMxgX1wSuZkCW4DuCaeJ6IjLl+CHcZA1eEWnbinCTB"
    "sygNu43phIG8G1X9nB7av4eL48eLMeXVj/udO20Mw2U65gTivhsOnz9/PTx+/ur05YvXr1"
    "+eHm8ictVbbaG5d+//JqJzhW/57nCd+vyKy6emE2t++ZxRywlVjNONwr1s0wPq0l6M04DT"
    "W2Xnq6CEvlcH3yuIx55rj+Z0pYRzQQuB7gC0MBisKOZUBeeCkoEwnwxPO+AMUo1Ay3tftb"
    "KEL/yItwT6KzId7F8qxLuZvpdgWUpxYZEKM1Paom/BHnOnU8pFSH4Sh1QE3uNAmBiEcQKP"
    "pVG9qbuD9mpM28+VwG9Ivxz9WbJ4q1KRxaGRvMqAVKVkGqHcLmYH+o5QH2524AGnwN2nB8"
    "SIr2Dc5gumCrtxBB8a3D26guj6Ge76JevIHJBUmbSKWgZOWSevuhht5Y7L2WyvylNWfsFW"
    "g9nYdWH3HkgCGPx66qnjvFEzEOrhcZc1GKQawZb3imjfupYKyqm4gejufrZwA/WsfHC/sJ"
    "BmmeL+M/KStqU4Ixe1DBzKvczJijyeTAMB7gBwGjCQICmgXFIzEOrd+52F2Iwi0DhlqI5o"
    "ZTuurGcg2L0YciyObLZQmj1yKgaivHuDzqGR5dYM5uYca6aBSdZ7JFnndKU4X2caBo7sHt"
    "KrmMXeB8yqCCO4d4CrUz71R2o5d6RTcyKDu7OpgqAj5Trt/KViN9KEWNk+pSfhOgkqNt56"
    "zJ4TeLLIhQpq35K7Efy7fjvvfRq7B0NQr/zbo0p96p+NO+4L6QdJxeFSYOZS8InanEb/CG"
    "nzUlAWaV0KQik8ikPabSn4kS1h5o6on+1vJaDswFwOneBTGZaDyTxpNyQTuC8kg5iDFU7l"
    "Dlg3UV64fhzR6gLRzyM6sW+y9tczfdKmxCaXaEvarRB1kF+D/BpNJ8Ee6keUv5WuaFc/Mo"
    "T7brhzM1F3evJGBSHuADHSL/YQo0iXzgrE7TyxTAu3X+pMFbNZ7NeQANscvY0KEi+3J14i"
    "Q2+fDD0kjyF57MAHMlKbzI8VXdxSPzoXyyvlzeGiGqlBW8SICvmRnSh0zx94VhgRMDdcWa"
    "pTlPD0CYsj4vr5NMBAVj2LA1kQbebas0xFPjckS1FcIOCxT5363EJfD8K8g74+XHNIaN2r"
    "ajZpXgszENvZpMmnA9+LIvR5NcS+O/Y6LTp3rDadl5luy4vYm2uzxcKNYEyAkN2wf7dGpl"
    "NWYDMb3L0xtxrbLOhicgCTAxpavT1Eqw9o2TUuGqTM8jeX3r/7+DWz7ZjzrcpFllRx17Pm"
    "oewHzW9qvdWuh2oN8fjfAJryDqWynoFzWH9gq43ropaBQPe11xzzMlg5wZzRjMmv/SS/bA"
    "a2YnKylbIBUtY0EPPdD28ROajC3LL5LpXHrXeKW+80iVSe2TYNw2s2py3H6lWFBq07a6T4"
    "KBLy3YKXZ2RBRQ3qJyFJlIlUHhDf4pwtqUPGq+SUoJq9NKrKeICQHqb44UYpDx/7XMF4S2"
    "0/+1rewNX0tAu4p83gnlbLYIiJSHnPb1HLuPmjhy2/bh3fsmWfl1tLtjRhDO/eq0xWThWb"
    "MNNAqxCPZMIQ+8EcyaRZuN2kXhaEPLHBdJvPuayLPa1zT3N6C/bbNv1c1MRe1rmXk5CDon"
    "9aUDLQ+NyNd1qJjJVRr0L+A+PUnfo/0ZUE/j28o+XbdX5qGtH6WTaUBbMODPav65G1vpp9"
    "7NxabgJXxQEHKCRncYg7V/AFXL0/vz76+jBxx0IH1IQcyx3UHG3MxkSXOGNAecj8Cg9enk"
    "luEc68mloMnbUwsqjD/DFoiSxitKvHaJf4DlTAXcsbCO7uwzAYDXgUdqVHJ9E2LmKmhn6D"
    "zv2re2rLZO9hg+EOHIhf120Z70OUR56yG5HnTmXEgJqMwrtU/YefrlLmTjP+tZQEQ3qgmH"
    "6Bnwnt3hOuT0krhkMFX/DI9Uee68/vixc09d7/AA2ZB1mfbn1xnNXWZSwNxLaqjFK0q2cv"
    "ep86T8FHH3O2DCmvc+TrhdBv12HlHrT47bqbTYePPZJW9kxaQYf+rqXLCIdPJm9DCt/Glo"
    "nfnC52tdZdrRGTQ7Mly6heBgS3mbXzehij07mHMbePuf0H/5IOOLdfCZ7UxQFqAiwtoYBc"
    "ZKdrPID59KmYS8nSWhHXH5AAYBd1j5YzUdROnKjDAjEwGCeWJw5KALPaCYlbUzjp3q1hhE"
    "GH2WdwwBGGg5/6i9t6HaocYSgoGTfCMcCA1ip6ndjLDb285dYB3DVwIP2LPif6nA/+JR2w"
    "z1nm49S4nDWUnWaPs8AV6uJuRtS3/OgZEdXX5al7lkOJFZGJy8OIwPjhEZkx+Ckk9FhETg"
    "YkZOA2gkS0ZHmpEFTnSRubl6jzSPt/IDqtOkxfgxanFensPdLZxWdTBbf5rN5UfKuavWXL"
    "6mFHcVKwd3jy4vWL0+evXmzq9G6utJXnrZbiRUfUWBO2Ylt1oYEmVsQ9GXqGWly9svPgY7"
    "PApm02kYoCrQaSXJPmdNXNPrrMGxdPQiK0CWgPyJLDM6jzjNzcgDUS0Zsb4obk7Pz6/T8v"
    "BuT7i/Or33+5Hl1+/PA7YRz+BjPz8veL7+sPN9jtI/7w//BvbuB3ubd0JKZ3UEwsKhHuzz"
    "/LdcTeQHE1kSacLeXZOj4TxzBP13eZsKPCN2RMxcVkLA6IG/3he+IQZ2GYBZwJZjPNWWWJ"
    "rQY/BfSiJaWyrcUzckYA5YizFXXk3Tmlgcg4hJvHe0w0dHOTInBz09Gu+3w0p/PUzBf/uo"
    "W3xvMbNDD4dM9SHD72hUqv6w9fBeqS2k7qnhs4xnN2tpiTVRDeKBjoxux+42g2k3fFN9Mw"
    "EOCXJ8MOCINUI8TyXhXj9RqpCHROzUC0T4anXcbz8LR5QIt7RbRTa6aK9DX9q8E5z6mYcB"
    "BFm9t48dt1wWOslKLbeI0fLj/+bS1erk+HHvwj8eALxb/X7sQWHV3WxXSjbj2tEKvpMwjx"
    "E12dz6jdwg0sSQzawhDg945sIdw1TwMKT6lv85W8Jv3mJCkyc5OYwdgKKZlZIREbLzY1fs"
    "AtH9NEkvneKhEXyiygfm1R8n4elMQkKmGMJHCRBTIGxEqiFOJ94CEOcSNBVUzCEKK5JQik"
    "SSARUQB9ePKCwcf4llzBAL26+J5M4OqUscajf1vDBJgm6mgj9R81QBcAXQCzXAA5S6o4AB"
    "sFIxDet/2PIRqs7aXfSEejW6Euh+VRp60sR+5+q8EdSsnRreXFHblRIjGXaBGpJTNTwgwN"
    "PMumwjAdU4/5U3Fuz1tyc5OOUNBOLFwharPYjygnbCLzWzZbBBanT6Glp+HSCuqzgft4aK"
    "1VzJbQ2CiBTHSq/JPDqFh/3Wgha2YhY15tf/me0tfRFeqSmoGGRQ/ndFdmns5Ap0oIcweY"
    "J2scu0K8UUB4O8Cbrc1VjBvpmEWlrUiZ2uG8Y17mmsKluOaV1HDJ60BxkJaoSrwi0zBiis"
    "CE5UF0xSF41IVdkYGzZTcXNbGbtetmTQInZ0Hguba0I1rOR64IDVrPR87Eu2Ytbc+lfiR4"
    "xiKOEVKYpSLC6dQNI8pFFZJN8vDWdSh/K+MXqZgbriMhKQv5Vow0EsO45El6EWx9SWKuS2"
    "Pu6clpXjMhWbuSs7x2rd+IQivTxJZ7I+C8uXkjedE5HMUJLfmTWXIq8r2FGu5p08g2wlCM"
    "FnapIrf5XqRmnYf1yasu2IJUS1angm5uElKaOYpqRtj/fYcIxPyugvFa3kBwezgBmsW87t"
    "CMlnlio4EAd8n/ShtLcb0rKBkIcy8sncTgGP07rJuSm080L6nt/1jzo/+exL4tzdlx7HqR"
    "64fPxGP/56invmiBvpfDzhOPYW0QKnRNRRE7p6/OmaVh886rQFHNhI0XvS+1CWRbZTxqdf"
    "eX+DjuC/IdZz0EE9CjC5U5Jqdyr9lFs8G872mE01u3nh/bOKbzKvsbyicHMpQxy7HN2D6I"
    "8DdmOR5FN+uS5YhhZHD3f+/Kc9SIDVozHXkFGIURXQRRt5yHIHCmCiRiRLQE7q4I99NNIR"
    "dZDVoUZYH/0YSzeSnekci7SSrilnIXUOANyYh65ui+HozZCD0i4oebjXhA76ePsvC+T6Uj"
    "rRoLKyti8qdDfRuYsEYLmHiYEtYlNQMH9u7TE7lMteLIrmqaF0bppXQT46M5/DolrAtaBg"
    "7s3cerEsgUh3ROx0CQ+xrN8Oupp47zRs1AqE+GnbL2w5as/bDKibCZaKUCdEsKYqOhR+5B"
    "PM+Y3AOnUcwBUlbtkWb2dEHJhAVz3/zpAHoEvF5l7kpZz8RJZ/dJH9xdn8E77GJ8D5uN72"
    "HF+A7pF6Us2hfMm9UlG8KIBkqrYiqPGbPtFz/MVT6c2eG4nNrRKOaumuVR1EPjY8tqM8rH"
    "Qxa1TCu7vPuY1JizZUi5Ms5lPRNGeN9Yr3NB2xF7GrTRRKlQe5jnbZElz6ntpWopnoG5HQ"
    "9C/LR4sR3fpaiKxWm17mekNT2GbsaDix9DL09c3w1nW33NJVWctHXrZx3Za5+EG9iRwpaX"
    "HXTnsW3Cr3ez2C7Adl8lrDBi+aTQDlmKjfXRjLN4OhNb1gm8B+UDWXab08CzVlV22i4arK"
    "1ZWPyJSXZWxEKxUqFehLS6flKh7pR1DUwh7D4DjyzAvRbL0jpf0yeyO0/ZYGKxz8QiZsQw"
    "I/ZokFf33zAKg37boMVvO9+w9pv9tYrMoM1Py/YBdHPPzkimITb3JKWP53R1cyPLht3ciN"
    "dJL3xjWyF9OmGeQ51vk9OZxd0wPceZWAvmT2VhMtnMkzDXeO0JUXt7dlJcLaKhiI3+FzQX"
    "WiuynLn2jNicOmJ7E+AjnwpqE3cap6XTxG6l9OshQp14FvwnsMIwrfx2Vw389IDw9S+peJ"
    "OfKyZyMYQL10CjKrVpMJVBrxS3SWmzPOyngH46+rsiXVAyEObvutAyv2umZX5XoWXK/ysg"
    "vJY3ENxeiPb5OVwFY4MH8bDTZDFsmS2G1eki/2YVqJuZbCW1/aF9dPQAZnsfPDas/7hPgp"
    "XqyYtmn7qIJTZxC8ihwvu8S+HH5811H59Xyj4m3ODQ9evKmLYHsUqqGM3SLpqF4WEdwsNJ"
    "4EgF+ExDj22zRpXsTMAd5UpwKm1pblDXo6OM2t+cIr1FbcQaTSyRWEmBi735SobVWmGPDu"
    "+vl1c/ffrl7Pyir0Hdt/lKwZkapRkHWhMAfseYRy2/gc1bUS5BPwbtvrDfXNnvVPLu8vJD"
    "YSp5974cUPjHz+8uoBtkL4CQG9H6EZ6mdbbaWVSru9Ukopn1s+tpJAVq+8m6uQGEuxFudc"
    "pBQREJ4zq7algNGqtB43ez/e64sVLirKhlYNCwh2qkG8jUa6/V6RoIei95YSx3buw8pgvx"
    "cEN6ayEelmUGrcTDjbSUu5N4+OvMisQuLt8JyZiGrkOJlaPsPdmUDM/x894Que91NSBJwc"
    "EBsWybxX40IJkDNyDgaIdUcvmcmBI54o9Kg2vPj0/oh5nQzQ05Jgtq+aJyOryIz6IZvFhW"
    "KF3QIUEbvuPkMNjljPqEg/7S8sg3jCe8RMv1VuLc2TH9VgiBwlvxHPkCI0l32jApk2vwrq"
    "5XYD8K+hnlSdOheKobjhwWj2FCEIfMiscUCZFLKyT2zPJhWBGZE/rDh5fjlLiiWHxsi2rw"
    "uYrxEpGQJT8Trq6IxcXpuL740YmifCnCBHES4BDETviny0ngWfa9j6zVraA2ciKRE4nFzA"
    "+cCHIAxcwPf1rJ4N4qsIuVotpjJRrVHsEQY48hxgm0Nhtt39v1LWCv69zrnjuRvTCqYTw0"
    "TphFJczJVKdMTuFnyeyKeoX8Ol3kkhQ+qF1wSabc8rfroKomcuHusVU6CYwon4uS1zKvrG"
    "ovB7qvQdvidJSSIgKuArjK5JJT0WPSN4rpqcztRDZnj2xOyx/JaHK1Q1o5cAU9pL8p0N8m"
    "8AqUB9ytm5Oap/+SmnFxqN2H/bLUiOLYLiri4FYY3Ek6bIu4RUERwxU6hyvSENNW3VzWxZ"
    "7WuaeTlLZqH2daeDiBxp07sVwv5nVRl8aYY14FUzQVww7Qgedtt2u3oowzo84fT46zo2LE"
    "l9TMi+Ds3orPMaFUv6mSKn5Run1RmrArrxKi3lkU0UUQNTMsa+UGbSzLlAII5pBUkcJ3Ui"
    "2vZ5SIkjqiND5LqH4DYrPFwoVWHDKmE8ZpQvWzPO+NqKrPAsE3ZEtiTSLKBTWSW+EsT1kU"
    "4iyOoBkquIexP4eO8KtEy30//B5cQayUeISsQMNYgbrxX3WKED5yptoBMS8e0DrWDtqeze"
    "Mwsvh2e4+Kmrj3SDvrGA8le3z9nFrJKrNmTsW8eMJuKutp42fesmQzQZuPWZIZtPuXa+lu"
    "ruV5rng+mxS20CWeGnhnU+aDJjh/Y0pE+3Nw+1IfLuDs1nUofyv/upVV9kXiTrh5dAF+Hd"
    "yDf0IjrlN1Lff9cHQt9bC30bXUwtlB1/KB0FYty1+jauAA76USAxYwxwLm5kCMBcx7rACJ"
    "5X+14iEjS1+3DsH6BFifwEjTHI+u6PWQ4TRsozKT51T0mMmN2uJjee5tzXhvWVjXCtgZO+"
    "8MrOPxGNI4Kd9LhVudV0FuNZYKfpTfDaa5H0c/48Yigzt3CtbjKA626OCiJs7VWnczboHB"
    "LTAPj/2hf1GaUJOuaRhdxS28pKLAoI2UJI60GfG4IyXp0qcEBo4dS6e/wguCtkSZ65B+ub"
    "khMt4v+T5kQcMQfopkErlwLeBMdEVI4HnUWlTZRz0+526i0ecqiaLol8C1P5GNhGwkbeZV"
    "ZCMZBfccfpcKymt5A8HFs9APDN5bykXmQQXgnIp5DsbuEcZDyB+s/N6GE7/deaiN+lgQui"
    "aJcJgnVx8QwuDpsZpoUBuHK1XYf6rZoFkEvFaFwZxKY5IRk4yPJsym6ZZpzRZck3oZU8mP"
    "o58dajme62+VTy6q4rStd0cjZ8DczsVkMiaTHx57k74o2/Jt6o02B1lVO/uu8x0q6lgJ/4"
    "5K+Bol8z9FNGjP5uckBnem82EIBFKsUz5fSCcpdh77b8hSFPcQB1E7srrHjC2Jx8Tx2aLG"
    "JJsPMoGQUn+Q1PdIIvj1efwdt1+Tv/98BC2nCUY5TpP0PNYO6bhu9Z+tz/qnK9SZhoFpt9"
    "2njJEOsUewkzmmgnJjDHcjj2mI2lNotI6HHxCSyBvpcacs8kb6puXoEufXDXqTHF0nTlgP"
    "o4XKdsuSFtIlqnN/Sn2ugnpN/2pANaeyvynq6OgBvpKL364LH0gljb/5SD5cfvzbWryc2y"
    "/tDRf1LWvPDmomUOR19Niub1QVHGTGPVyhBHtm+XXTT8vHkNNB7NWw1yR2eUa5a8+OamKW"
    "6Z1BW6zSymTuClQ2g7/jusHNPnydp1RjeaSDUd/I307sjuZIH1aaLHuiL192cUVfvmz2Rc"
    "W9ShEyFYRTcQPRPTnuVJj2uKUw7XHddidxppbKYpZTQXLsIS1mX/8fwqjscQ=="
)
