-- What Supabase's REST API needs besides: a way to write JSON's null, a way to learn how many rows it lets through, and
-- time for what works on many rows at once.

-- Caps and breakers as {"name": value, ...}, all or none of them; returns how many changed. Through the REST API a
-- null for a jsonb column arrives as SQL's, so "no cap" has to come as text. Nothing else of the settings is written here.
create function public.change_limits(p_limits text, p_now timestamptz) returns bigint
language plpgsql set search_path = '' as $$
declare
  given jsonb := p_limits::jsonb;
  changed bigint;
begin
  if not private.is_admin() then
    raise exception 'Only an admin changes the limits.' using errcode = '42501';
  end if;
  if jsonb_typeof(given) <> 'object' then
    raise exception 'Limits are given by their names.' using errcode = '22023';
  end if;
  if exists (
    select from jsonb_object_keys(given) k where k <> all (
      '{account_daily_cap,warm_up,contact_daily_cap,unconfirmed_grace_minutes,send_attempts,soft_bounce_limit,
        breaker_days,breaker_least_sends,breaker_bounce_percent,breaker_complaint_percent,breaker_failure_percent}'::text[]))
  then
    raise exception 'There is no such limit.' using errcode = '22023';
  end if;
  if exists (
    select from jsonb_each(given) g
    where g.value = 'null' and g.key <> all ('{account_daily_cap,warm_up,contact_daily_cap}'::text[]))
  then
    raise exception 'Only a cap can be left out.' using errcode = '22023';
  end if;
  -- All others are held by the constraint numbers_are_numbers.
  if given ->> 'contact_daily_cap' !~ '^[1-9][0-9]{0,8}$' then
    raise exception 'A cap is a whole number above 0.' using errcode = '22023';
  end if;
  update public.app_settings s set value = g.value, updated_at = p_now
  from jsonb_each(given) g
  where s.key = g.key and s.value is distinct from g.value;
  get diagnostics changed = row_count;
  return changed;
end
$$;

-- What arrives of these is how many rows an answer may have (the project's "Max rows"), which the API does not tell.
create function public.a_thousand_rows() returns setof integer
language sql immutable set search_path = '' as $$ select generate_series(1, 1000) $$;

revoke all on function public.change_limits(text, timestamptz), public.a_thousand_rows()
  from public, anon, authenticated, service_role;
grant execute on function public.change_limits(text, timestamptz) to authenticated;
grant execute on function public.a_thousand_rows() to authenticated, service_role;

-- Supabase gives a statement of the API eight seconds. PostgREST takes a function's own limit instead where it has one,
-- and the adapter waits a minute: the database gives up first, so that nobody is left in doubt.
-- (On a direct connection it changes nothing: the time of a statement is set when it begins.)
do $$
declare
  function regprocedure;
begin
  for function in
    select p.oid from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (
      '{sweep,claim_due,postpone,give_back,expire_steps,hand_over,still_wanted,settle,record_events,rescore_events,
        import_contacts,enroll_contacts,change_enrollments,add_suppressions,publish_template,reorder_steps,retire_step,
        mark_as_sent,send_again,retry_failed,find_audit,verify_audit}'::text[])
  loop
    execute format('alter function %s set statement_timeout = ''55s''', function);
  end loop;
end
$$;
