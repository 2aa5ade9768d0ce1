from tests.pages.test_two_sessions import *
def test_it(visit):
    for n in ("ada","sasha"):
        app=visit(n)
        for page in FOR_ADMINS:
            app.switch_page(f"../../pages/{page}.py"); app.run()
            t=shown(app); print("=====",n,page, FOR_ADMINS[page] in t, HERS in t, CAROLS in t); print(t[-1500:])
