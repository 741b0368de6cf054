module truegrain

go 1.26
