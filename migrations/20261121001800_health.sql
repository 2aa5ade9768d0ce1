-- Is this database whole, and is it closed where it should be? One function answers over either way to the
-- database; scripts/check_drip_tables.py compares its answer with what the migrations make.

-- Every question as text, because a question about a table that is gone must not take the others with it.
-- Kinds: "names" is what there is, by kind; the rows of all other questions are things that are off. A question
-- gives one column `id`, by which an operator finds the thing.
create function private.health_questions() returns table (kind text, name text, question text)
language sql immutable set search_path = '' as $questions$
values
-- What there is. Functions alone are named with their schema, as in the expectation.
('names', 'migration', $q$ select version as id from supabase_migrations.schema_migrations $q$),
('names', 'table', $q$ select relname as id from pg_class
  where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace $q$),
('names', 'view', $q$ select relname as id from pg_class
  where relkind = 'v' and relnamespace = 'public'::regnamespace $q$),
('names', 'column', $q$ select c.relname || '.' || a.attname as id
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  where c.relkind in ('r', 'p', 'v') and c.relnamespace = 'public'::regnamespace
    and a.attnum > 0 and not a.attisdropped $q$),
('names', 'index', $q$ select indexname as id from pg_indexes where schemaname = 'public' $q$),
('names', 'constraint', $q$ select c.relname || '.' || o.conname as id
  from pg_constraint o join pg_class c on c.oid = o.conrelid where o.connamespace = 'public'::regnamespace $q$),
('names', 'function', $q$ select pronamespace::regnamespace || '.' || proname as id from pg_proc
  where pronamespace::regnamespace::text in ('public', 'private') $q$),
-- Without comment lines and white space, which change on the way through a dump or an editor
('names', 'function text', $q$ select pronamespace::regnamespace || '.' || proname || ' '
    || md5(regexp_replace(regexp_replace(prosrc, '^--.*$', '', 'gn'), '[ \t\r\n]+', ' ', 'g')) as id
  from pg_proc where pronamespace::regnamespace::text in ('public', 'private') $q$),
('names', 'trigger', $q$ select c.relname || '.' || t.tgname as id
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and t.tgenabled in ('O', 'A') $q$),
('names', 'row-level security', $q$ select relname as id from pg_class
  where relrowsecurity and relnamespace = 'public'::regnamespace $q$),
('names', 'forced row-level security', $q$ select relname as id from pg_class
  where relforcerowsecurity and relnamespace = 'public'::regnamespace $q$),
('names', 'policy', $q$ select tablename || '.' || policyname as id from pg_policies where schemaname = 'public' $q$),
('names', 'published e-mail', $q$ select d.key || '.' || t.step as id
  from public.drip_campaigns d join public.drip_campaign_templates t on t.campaign_id = d.id
  where t.status = 'published' $q$),

-- Rows whose other half is missing
('stray', 'sends without an enrollment', $q$ select s.id from public.email_sends s
  where not exists (select from public.campaign_enrollments e where e.id = s.enrollment_id) $q$),
('stray', 'sends without a contact', $q$ select s.id from public.email_sends s
  where not exists (select from public.contacts c where c.id = s.contact_id) $q$),
('stray', 'sends without a campaign', $q$ select s.id from public.email_sends s
  where not exists (select from public.drip_campaigns d where d.id = s.campaign_id) $q$),
('stray', 'sends without their template version', $q$ select s.id from public.email_sends s
  where not exists (select from public.drip_campaign_templates t where t.id = s.template_id) $q$),
('stray', 'sends of another contact, campaign or run than their enrollment', $q$ select s.id
  from public.email_sends s join public.campaign_enrollments e on e.id = s.enrollment_id
  where (s.contact_id, s.campaign_id, s.run) <> (e.contact_id, e.campaign_id, e.run) $q$),
('stray', 'events without their send', $q$ select v.id from public.email_events v
  where v.send_id is not null and not exists (select from public.email_sends s where s.id = v.send_id) $q$),
('stray', 'enrollments without a contact', $q$ select e.id from public.campaign_enrollments e
  where not exists (select from public.contacts c where c.id = e.contact_id) $q$),
('stray', 'enrollments without a campaign', $q$ select e.id from public.campaign_enrollments e
  where not exists (select from public.drip_campaigns d where d.id = e.campaign_id) $q$),
('stray', 'contact types mapped to a missing campaign', $q$ select y.key as id from public.contact_types y
  where y.campaign_id is not null
    and not exists (select from public.drip_campaigns d where d.id = y.campaign_id) $q$),
('stray', 'contacts of an unknown type', $q$ select c.id from public.contacts c
  where not exists (select from public.contact_types y where y.key = c.contact_type) $q$),

-- What must never be true of the rows
('invariant', 'contacts twice live in one campaign', $q$ select contact_id as id
  from public.campaign_enrollments where status in ('active', 'paused')
  group by contact_id, campaign_id having count(*) > 1 $q$),
('invariant', 'contacts active in two type campaigns', $q$ select contact_id as id
  from public.campaign_enrollments where status = 'active' and is_type_campaign
  group by contact_id having count(*) > 1 $q$),
('invariant', 'contacts with one e-mail twice', $q$ select contact_id as id from public.email_sends
  group by contact_id, campaign_id, step, run having count(*) > 1 $q$),
('invariant', 'active enrollments of contacts who may not be written to', $q$ select e.id
  from public.campaign_enrollments e join public.contacts c on c.id = e.contact_id
  where e.status = 'active' and (c.archived_at is not null or c.email_status <> 'ok' or c.email is null
    or exists (select from public.suppressions x where x.email = c.email)) $q$),
('invariant', 'contacts marked ok whose address is suppressed', $q$ select c.id
  from public.contacts c join public.suppressions x on x.email = c.email where c.email_status = 'ok' $q$),
('invariant', 'active enrollments without a date and without an e-mail under way', $q$ select e.id
  from public.campaign_enrollments e where e.status = 'active' and e.next_send_at is null
    and not exists (select from public.email_sends s
                    where s.contact_id = e.contact_id and s.campaign_id = e.campaign_id and s.run = e.run
                      and s.step = e.next_step and s.status in ('claimed', 'handed_over', 'unconfirmed')) $q$),
('invariant', 'live enrollments whose next e-mail is not published', $q$ select e.id
  from public.campaign_enrollments e where e.status in ('active', 'paused')
    and not exists (select from public.drip_campaign_templates t
                    where t.campaign_id = e.campaign_id and t.step = e.next_step and t.status = 'published') $q$),
('invariant', 'e-mails that went out without their merge values', $q$ select id from public.email_sends
  where merge_values is null and status in ('accepted', 'delivered', 'bounced', 'dropped') $q$),
('invariant', 'published e-mails that share a place', $q$ select campaign_id as id
  from public.drip_campaign_templates where status = 'published'
  group by campaign_id having max(position) <> count(*) $q$),
('invariant', 'staff without an active admin', $q$ select 'profiles' as id
  where exists (select from public.profiles)
    and not exists (select from public.profiles where role = 'admin' and active) $q$),

-- Supabase grants its API roles new tables by default; nobody unknown may reach anything.
('exposed', 'tables open to anonymous visitors', $q$ select c.relname as id from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and (has_any_column_privilege('anon', c.oid, 'select, insert, update, references')
         or has_table_privilege('anon', c.oid, 'delete, truncate, trigger')) $q$),
('exposed', 'functions open to anonymous visitors', $q$ select p.proname as id from pg_proc p
  where p.pronamespace::regnamespace::text in ('public', 'private')
    and has_function_privilege('anon', p.oid, 'execute') $q$),
('exposed', 'sequences open to anonymous visitors', $q$ select c.relname as id from pg_class c
  where c.relnamespace = 'public'::regnamespace
    and case when c.relkind = 'S' then has_sequence_privilege('anon', c.oid, 'usage, select, update') end $q$),
('exposed', 'helper schemas open to anonymous visitors', $q$ select 'private' as id
  where has_schema_privilege('anon', 'private', 'usage, create') $q$),

-- What Supabase's database linter warns of, and what our own rules add. Names of rules say what is wrong.
('lint', 'tables without row-level security', $q$ select relname as id from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity $q$),
('lint', 'tables whose owner is above their policies', $q$ select relname as id from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relforcerowsecurity $q$),
('lint', 'tables with row-level security and without a policy', $q$ select c.relname as id from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
    and not exists (select from pg_policy p where p.polrelid = c.oid) $q$),
('lint', 'policies that nobody asks, for row-level security is off', $q$ select c.relname || '.' || p.polname as id
  from pg_policy p join pg_class c on c.oid = p.polrelid
  where c.relnamespace = 'public'::regnamespace and not c.relrowsecurity $q$),
('lint', 'policies that let everything pass', $q$ select c.relname || '.' || p.polname as id
  from pg_policy p join pg_class c on c.oid = p.polrelid
  where c.relnamespace = 'public'::regnamespace and p.polpermissive
    and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) $q$),
('lint', 'policies for everybody instead of a role', $q$ select c.relname || '.' || p.polname as id
  from pg_policy p join pg_class c on c.oid = p.polrelid
  where c.relnamespace = 'public'::regnamespace
    and p.polroles && array[0::oid, (select oid from pg_roles where rolname = 'anon')] $q$),
('lint', 'policies that ask who it is once a row', $q$ select tablename || '.' || policyname as id
  from pg_policies cross join lateral (values (qual), (with_check)) e (expression)
  where schemaname = 'public'
    -- Wrapped as (select helper()) it is asked once a statement; what is left when those are cut out is not.
    and regexp_replace(e.expression, '\(\s*select\s+[\w.]+\([^()]*\)(\s+as\s+\w+)?\s*\)', '', 'gi')
        ~* '(private|auth)\.\w+\s*\(|current_setting\s*\(' $q$),
('lint', 'policies that believe what people write about themselves', $q$ select tablename || '.' || policyname as id
  from pg_policies where schemaname = 'public' and concat(qual, with_check) ~* 'user_?meta_?data' $q$),
('lint', 'tables where several policies allow one thing to one role', $q$
  select c.relname || ' ' || r.rolname || ' ' || a.action as id
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_roles r on r.oid = any (p.polroles) or (0::oid = any (p.polroles) and r.rolname in ('anon', 'authenticated'))
  join (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) a (letter, action)
    on p.polcmd::text in (a.letter, '*')
  where c.relnamespace = 'public'::regnamespace and p.polpermissive
  group by c.relname, r.rolname, a.action having count(*) > 1 $q$),
('lint', 'functions without a fixed search path', $q$ select p.pronamespace::regnamespace || '.' || p.proname as id
  from pg_proc p
  where p.pronamespace::regnamespace::text in ('public', 'private')
    and not coalesce(p.proconfig, '{}') && array['search_path=""', 'search_path=pg_catalog']
    and not exists (select from pg_depend d
                    where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e') $q$),
('lint', 'functions with their owner''s rights for everybody', $q$
  select p.pronamespace::regnamespace || '.' || p.proname as id from pg_proc p
  where p.pronamespace::regnamespace::text in ('public', 'private') and p.prosecdef
    and has_function_privilege('anon', p.oid, 'execute') $q$),
('lint', 'functions with their owner''s rights that never ask who calls', $q$
  select p.pronamespace::regnamespace || '.' || p.proname as id from pg_proc p
  where p.pronamespace = 'public'::regnamespace and p.prosecdef
    and has_function_privilege('authenticated', p.oid, 'execute')
    and p.prosrc !~ 'private\.(is_staff|is_admin|user_id|my_contact_ids|changeable|acts_as_service|only_for_admins)\M' $q$),
('lint', 'views with their owner''s rights', $q$ select relname as id from pg_class
  where relnamespace = 'public'::regnamespace and relkind = 'v'
    and not coalesce(reloptions, '{}') && array['security_invoker=true', 'security_invoker=on',
                                                'security_invoker=1', 'security_invoker=yes'] $q$),
('lint', 'views that show the accounts of Supabase Auth', $q$ select distinct c.relname as id
  from pg_class c
  join pg_rewrite w on w.ev_class = c.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
    and d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass('auth.users') $q$),
('lint', 'materialized views and foreign tables in the API', $q$ select relname as id from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('m', 'f')
    and (has_any_column_privilege('anon', oid, 'select')
         or has_any_column_privilege('authenticated', oid, 'select')) $q$),
('lint', 'extensions in the schema of the API', $q$ select extname as id from pg_extension
  where extnamespace = 'public'::regnamespace $q$),
('lint', 'tables without a primary key', $q$ select c.relname as id from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    and not exists (select from pg_constraint o where o.conrelid = c.oid and o.contype = 'p') $q$),
('lint', 'foreign keys without an index', $q$ select c.relname || '.' || o.conname as id
  from pg_constraint o join pg_class c on c.oid = o.conrelid
  where o.contype = 'f' and o.connamespace = 'public'::regnamespace and not exists (
    select from pg_index i
    where i.indrelid = o.conrelid and i.indisvalid
      and (i.indkey::int2[])[0:cardinality(o.conkey) - 1] @> o.conkey
      -- An index of the rows that have a value serves as well: nothing refers by null.
      and (i.indpred is null
           or pg_get_expr(i.indpred, i.indrelid) = (select format('(%I IS NOT NULL)', a.attname)
               from pg_attribute a where a.attrelid = o.conrelid and a.attnum = o.conkey[1]))) $q$),
('lint', 'indexes that are there twice', $q$ select string_agg(c.relname, ' = ' order by c.relname) as id
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace = 'public'::regnamespace
  group by i.indrelid, c.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
           pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
  having count(*) > 1 $q$),
('lint', 'tables whose rows this check cannot see', $q$ select relname as id from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and row_security_active(oid) $q$)
$questions$;
comment on function private.health_questions() is
  'What public.health_report() asks. A reason why an answer is accepted stands in crm/database/accepted_findings.py.';

-- `ids` holds every name, and a hundred of the things that are off; `total` counts all. Where a question could not
-- be asked, because what it asks about is not there, `total` is null and `trouble` says what is missing.
-- Stable: one snapshot for all questions, and no statement in it can write. The REST API takes statement_timeout
-- from here (PostgREST hoists it), instead of the eight seconds of its own role.
create function public.health_report()
returns table (kind text, name text, ids text[], total bigint, trouble text)
language plpgsql stable security definer set search_path = '' set statement_timeout = '60s' as $$
declare
  asked record;
begin
  for asked in select q.kind, q.name, q.question from private.health_questions() q loop
    kind := asked.kind;
    name := asked.name;
    trouble := '';
    begin
      execute format(
        'select coalesce(array_agg(r.id order by r.place) filter (where r.place <= %s), ''{}''), count(*)
         from (select q.id::text, row_number() over (order by q.id::text) as place from (%s) q) r',
        case asked.kind when 'names' then 100000 else 100 end, asked.question)
        into ids, total;
    exception when undefined_table or undefined_column or undefined_function or undefined_object
                or invalid_schema_name or insufficient_privilege then
      ids := '{}';
      total := null;
      trouble := sqlerrm;
    end;
    return next;
  end loop;
end
$$;
comment on function public.health_report() is 'Everything that scripts/check_drip_tables.py asks, in one answer.';

revoke all on function private.health_questions(), public.health_report()
  from public, anon, authenticated, service_role;
grant execute on function public.health_report() to service_role;
