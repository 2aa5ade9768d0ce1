-- Who may see and do what. Every table has row-level security on and forced; a role reaches a table
-- only by a grant below. Helpers stand in (select ...) so that they run once a statement, not once a row.

-- Contacts the signed-in sales person owns or brought in.
create function private.my_contact_ids() returns setof uuid
language sql stable security definer set search_path = '' as
$$ select id from public.contacts where owner_id = private.user_id()
   union select id from public.contacts where created_by = private.user_id() $$;

do $$
declare
  relation text;
begin
  for relation in select tablename from pg_catalog.pg_tables where schemaname = 'public' loop
    execute format('alter table public.%I enable row level security', relation);
    execute format('alter table public.%I force row level security', relation);
  end loop;
end
$$;

-- Supabase grants its API roles everything on new tables by default; start from nothing.
revoke all on all tables in schema public from public, anon, authenticated, service_role;
revoke all on all functions in schema public from public, anon, authenticated, service_role;
revoke all on all functions in schema private from public, anon, authenticated, service_role;

grant execute on function private.clock(), private.uuid_v7(), private.is_time_zone(text), private.user_id(),
  private.is_staff(), private.is_admin(), private.my_contact_ids(), private.searchable(text[])
  to authenticated, service_role;
grant execute on function private.skip_received(uuid[], timestamptz, bigint), private.words_for(text),
  private.next_unreceived(uuid, uuid, integer),
  private.settle_trouble(timestamptz, bigint, uuid[], text[], text[], timestamptz[], boolean[])
  to service_role;

-- contacts: sales R I u, admin R I U D, service R I and the status
grant select, insert, update, delete on public.contacts to authenticated;
grant select, insert, update (email_status, email_status_reason, email_status_at, updated_at) on public.contacts to service_role;
create policy staff_read on public.contacts for select to authenticated using ((select private.is_staff()));
create policy staff_add on public.contacts for insert to authenticated with check ((select private.is_staff()));
create policy own_or_admin_change on public.contacts for update to authenticated
  using ((select private.is_admin())
         or ((select private.is_staff()) and (owner_id = (select private.user_id()) or created_by = (select private.user_id()))))
  with check ((select private.is_staff()));
create policy admin_delete on public.contacts for delete to authenticated using ((select private.is_admin()));

-- activities: sales R i u, admin R I U, service R I
grant select, insert, update (due_at, completed_at) on public.activities to authenticated;
grant select, insert on public.activities to service_role;
create policy staff_read on public.activities for select to authenticated using ((select private.is_staff()));
create policy own_or_admin_add on public.activities for insert to authenticated
  with check ((select private.is_admin()) or ((select private.is_staff()) and actor_id = (select private.user_id())));
create policy own_or_admin_change on public.activities for update to authenticated
  using ((select private.is_admin()) or ((select private.is_staff()) and actor_id = (select private.user_id())));

-- campaigns, their e-mails, contact types: sales R, admin R I U D, service R
grant select, insert, update, delete on public.drip_campaigns, public.drip_campaign_templates, public.contact_types to authenticated;
grant select on public.drip_campaigns, public.drip_campaign_templates, public.contact_types to service_role;
create policy staff_read on public.drip_campaigns for select to authenticated using ((select private.is_staff()));
create policy admin_add on public.drip_campaigns for insert to authenticated with check ((select private.is_admin()));
create policy admin_change on public.drip_campaigns for update to authenticated using ((select private.is_admin()));
create policy admin_delete on public.drip_campaigns for delete to authenticated using ((select private.is_admin()));
create policy staff_read on public.drip_campaign_templates for select to authenticated using ((select private.is_staff()));
create policy admin_add on public.drip_campaign_templates for insert to authenticated with check ((select private.is_admin()));
create policy admin_change on public.drip_campaign_templates for update to authenticated using ((select private.is_admin()));
create policy admin_delete on public.drip_campaign_templates for delete to authenticated using ((select private.is_admin()));
create policy staff_read on public.contact_types for select to authenticated using ((select private.is_staff()));
create policy admin_add on public.contact_types for insert to authenticated with check ((select private.is_admin()));
create policy admin_change on public.contact_types for update to authenticated using ((select private.is_admin()));
create policy admin_delete on public.contact_types for delete to authenticated using ((select private.is_admin()));

-- campaign_enrollments: sales R i u, admin R I U, service R I U
grant select, insert, update on public.campaign_enrollments to authenticated, service_role;
create policy staff_read on public.campaign_enrollments for select to authenticated using ((select private.is_staff()));
create policy own_or_admin_add on public.campaign_enrollments for insert to authenticated
  with check ((select private.is_admin())
              or ((select private.is_staff()) and contact_id in (select private.my_contact_ids())));
create policy own_or_admin_change on public.campaign_enrollments for update to authenticated
  using ((select private.is_admin())
         or ((select private.is_staff()) and contact_id in (select private.my_contact_ids())));

-- email_sends: sales r, admin R, service R I U; what came back and why not: sales r, admin R, service R I
grant select on public.email_sends, public.email_events, public.drip_decisions to authenticated;
grant select, insert, update on public.email_sends to service_role;
grant select, insert on public.email_events, public.drip_decisions to service_role;
create policy own_or_admin_read on public.email_sends for select to authenticated
  using ((select private.is_admin())
         or ((select private.is_staff()) and contact_id in (select private.my_contact_ids())));
create policy own_or_admin_read on public.email_events for select to authenticated
  using ((select private.is_admin())
         or ((select private.is_staff()) and contact_id in (select private.my_contact_ids())));
create policy own_or_admin_read on public.drip_decisions for select to authenticated
  using ((select private.is_admin())
         or ((select private.is_staff()) and contact_id in (select private.my_contact_ids())));

-- projects and networking events: sales R I u, admin R I U D, service R
grant select, insert, update, delete on public.projects, public.networking_events, public.networking_event_attendees to authenticated;
grant select on public.projects, public.networking_events, public.networking_event_attendees to service_role;
create policy staff_read on public.projects for select to authenticated using ((select private.is_staff()));
create policy staff_add on public.projects for insert to authenticated with check ((select private.is_staff()));
create policy own_or_admin_change on public.projects for update to authenticated
  using ((select private.is_admin()) or ((select private.is_staff()) and owner_id = (select private.user_id())))
  with check ((select private.is_staff()));
create policy admin_delete on public.projects for delete to authenticated using ((select private.is_admin()));
create policy staff_read on public.networking_events for select to authenticated using ((select private.is_staff()));
create policy staff_add on public.networking_events for insert to authenticated with check ((select private.is_staff()));
create policy own_or_admin_change on public.networking_events for update to authenticated
  using ((select private.is_admin()) or ((select private.is_staff()) and owner_id = (select private.user_id())))
  with check ((select private.is_staff()));
create policy admin_delete on public.networking_events for delete to authenticated using ((select private.is_admin()));
create policy staff_read on public.networking_event_attendees for select to authenticated using ((select private.is_staff()));
create policy staff_add on public.networking_event_attendees for insert to authenticated with check ((select private.is_staff()));
create policy own_or_admin_change on public.networking_event_attendees for update to authenticated
  using ((select private.is_admin()) or ((select private.is_staff()) and added_by = (select private.user_id())))
  with check ((select private.is_staff()));
create policy admin_delete on public.networking_event_attendees for delete to authenticated using ((select private.is_admin()));

-- discovery_submissions: sales R I and triage, admin R U D, service I
grant select, insert, update (status, assigned_to, contact_id, updated_at), delete on public.discovery_submissions to authenticated;
grant insert on public.discovery_submissions to service_role;
create policy staff_read on public.discovery_submissions for select to authenticated using ((select private.is_staff()));
create policy sales_add on public.discovery_submissions for insert to authenticated
  with check ((select private.is_staff()) and not (select private.is_admin()));
create policy staff_triage on public.discovery_submissions for update to authenticated using ((select private.is_staff()));
create policy admin_delete on public.discovery_submissions for delete to authenticated using ((select private.is_admin()));

-- suppressions: everybody may read and add, nobody may lift one but an audited function
grant select, insert on public.suppressions to authenticated, service_role;
create policy staff_read on public.suppressions for select to authenticated using ((select private.is_staff()));
create policy staff_add on public.suppressions for insert to authenticated with check ((select private.is_staff()));

-- outgoing webhooks: admin R I U D with a secret that can be written and never read, service R I U
grant select (id, url, description, events, active, created_at, updated_at), insert, update, delete on public.webhook_endpoints to authenticated;
grant select, insert, update on public.webhook_endpoints to service_role;
grant select, insert, update, delete on public.webhook_deliveries to authenticated;
grant select, insert, update on public.webhook_deliveries to service_role;
create policy admin_all on public.webhook_endpoints for all to authenticated
  using ((select private.is_admin())) with check ((select private.is_admin()));
create policy admin_all on public.webhook_deliveries for all to authenticated
  using ((select private.is_admin())) with check ((select private.is_admin()));

-- audit_log: admin R, service R, written by triggers only
grant select on public.audit_log to authenticated, service_role;
create policy admin_read on public.audit_log for select to authenticated using ((select private.is_admin()));

-- app_settings: admin R U, service R; sales see the view without secrets
grant select, update (value, updated_at) on public.app_settings to authenticated;
grant select on public.app_settings to service_role;
grant select on public.app_settings_public to authenticated;
create policy admin_read on public.app_settings for select to authenticated using ((select private.is_admin()));
create policy admin_change on public.app_settings for update to authenticated using ((select private.is_admin()));

-- profiles: sales R names and u of their own but never the role, admin R I U, service R
grant select (id, full_name, role, active, time_zone, created_at), insert, update on public.profiles to authenticated;
grant select on public.profiles to service_role;
grant select on public.staff_directory to authenticated;
create policy staff_read on public.profiles for select to authenticated using ((select private.is_staff()));
create policy admin_add on public.profiles for insert to authenticated with check ((select private.is_admin()));
create policy own_or_admin_change on public.profiles for update to authenticated
  using ((select private.is_admin()) or ((select private.is_staff()) and id = (select private.user_id())));

-- scheduler_runs: everybody R, service R I U
grant select on public.scheduler_runs to authenticated;
grant select, insert, update on public.scheduler_runs to service_role;
create policy staff_read on public.scheduler_runs for select to authenticated using ((select private.is_staff()));

-- Read models
grant select on public.contact_list, public.enrollment_list, public.send_list, public.send_content, public.campaign_overview,
  public.industries_in_use
  to authenticated, service_role;
grant select on public.contact_merge_fields to authenticated;

-- The engine's functions: the scheduler only
grant execute on function
  public.start_run(timestamptz, text, text, text),
  public.finish_run(bigint, timestamptz, text, text, timestamptz),
  public.take_run_request(timestamptz),
  public.unsubscribe_contact(uuid, timestamptz),
  public.halt_sending(text, timestamptz),
  public.sweep(timestamptz, bigint),
  public.claim_due(timestamptz, integer, integer, bigint, uuid),
  public.postpone(timestamptz, bigint, uuid[], timestamptz[], text[], text[]),
  public.give_back(timestamptz, bigint, uuid[]),
  public.hand_over(timestamptz, uuid, text, uuid[], text[]),
  public.settle(timestamptz, bigint, uuid, uuid[], text[], text[], text[], timestamptz[], smallint[], timestamptz[], boolean[])
  to service_role;

-- What people call from pages and scripts
grant execute on function
  public.enroll_contacts(uuid[], uuid, text, timestamptz),
  public.change_enrollments(uuid[], text, timestamptz),
  public.restart_enrollment(uuid, timestamptz),
  public.import_contacts(text, text, text, boolean, timestamptz),
  public.publish_template(uuid, integer, text, timestamptz),
  public.due_by_step(timestamptz), public.upcoming_enrollments(integer),
  public.find_contacts(text, text[], text[], uuid, text, text, boolean, uuid, integer),
  public.count_contacts(text, text[], text[], uuid, text, text, boolean)
  to authenticated, service_role;
grant execute on function
  public.request_run(timestamptz), public.resume_sending(timestamptz), public.retry_failed(uuid[], timestamptz)
  to authenticated;
